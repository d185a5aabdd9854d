#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "nq/executor.hpp"
#include "nq/tensor_file.hpp"
#include "nq/threads.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  if (counting) ++allocations;
  void* memory = alignment <= alignof(std::max_align_t)
                     ? std::malloc(bytes == 0 ? 1 : bytes)
                     : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes, 1); }
void* operator new[](std::size_t bytes) { return counted(bytes, 1); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes, 1); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }

namespace nq {
namespace {

/// Allocations of one call of run() after two calls to warm up.
long steady_allocations(Executor& executor, const std::vector<Tensor>& inputs, const Tap& tap = {}) {
  for (int warm = 0; warm < 2; ++warm) (void)executor.run(inputs, tap);
  allocations = 0;
  counting = true;
  (void)executor.run(inputs, tap);
  counting = false;
  return allocations;
}

/// What returning one output costs: the vector, the bytes, their owner, two copies of the shape.
constexpr long kPerOutput = 6;

}  // namespace

TEST_CASE("the counter sees allocations", "[exec]") {
  allocations = 0;
  counting = true;
  const Tensor tensor(TensorType{DType::f32, Shape{4}});
  counting = false;
  CHECK(allocations >= 2);
}

TEST_CASE("running a plan allocates only what it returns", "[exec]") {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const auto& folder : test::shared_graphs()) {
      INFO(folder << " with " << threads << " threads");
      const Tensor input = load_tensor(folder / "test_data_set_0/input_0.pb");
      const Graph graph = ModelFile::load(folder / "model.onnx").to_graph();
      Executor executor(make_plan(specialize(graph, {{{"input", input.shape()}}, {}})));
      CHECK(steady_allocations(executor, {input}) <= kPerOutput);
    }
  }
  set_num_threads(0);
}

}  // namespace nq
