#include "kernels/scratch.hpp"

#include <array>
#include <memory>
#include <new>

namespace nq::kernels {
namespace {

constexpr std::align_val_t kAlignment{64};

struct Release {
  void operator()(float* p) const noexcept { ::operator delete(p, kAlignment); }
};

struct Buffer {
  std::unique_ptr<float, Release> floats;
  std::size_t count = 0;
};

}  // namespace

float* thread_scratch(ScratchUse use, std::size_t count) {
  thread_local std::array<Buffer, 5> buffers;
  Buffer& buffer = buffers[static_cast<std::size_t>(use)];
  if (buffer.count < count) {
    buffer.floats.reset();
    buffer.count = 0;
    buffer.floats.reset(static_cast<float*>(::operator new(count * sizeof(float), kAlignment)));
    buffer.count = count;
  }
  return buffer.floats.get();
}

std::uint8_t* byte_scratch(ScratchUse use, std::int64_t bytes) {
  const auto floats = (static_cast<std::size_t>(bytes) + sizeof(float) - 1) / sizeof(float);
  return reinterpret_cast<std::uint8_t*>(thread_scratch(use, floats));
}

}  // namespace nq::kernels
