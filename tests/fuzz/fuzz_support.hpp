#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nq/error.hpp"
#include "nq/typed_graph.hpp"

namespace nq::fuzz {

/// Reports a broken promise and ends the process, which is what a fuzzer looks for.
[[noreturn]] inline void finding(const std::string& what) {
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}

inline void require(bool holds, const char* what) {
  if (!holds) finding(what);
}

/// Runs `body`. Bad input may be refused by an Error that blames the input; a defect of our own, or any other exception,
/// is a finding.
template <typename Body>
void refuse_or(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) finding(error.full_text());
  } catch (const std::exception& error) {
    finding(std::string("an exception that is no nq::Error: ") + error.what());
  }
}

/// Deals out the bytes of an input; zeros when they are used up, so that every input is whole.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  /// Below `end`, which is at most 256.
  int below(int end) { return byte() % end; }
  bool coin() { return (byte() & 1) != 0; }
  /// From a list.
  template <typename T, std::size_t N>
  const T& one_of(const T (&values)[N]) {
    return values[static_cast<std::size_t>(below(static_cast<int>(N)))];
  }
  /// Any float32, the odd ones included.
  float any_float() {
    std::uint32_t bits = 0;
    for (int k = 0; k < 4; ++k) bits = bits << 8 | byte();
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  bool empty() const { return rest_.empty(); }
  std::string rest() const { return std::string(rest_); }

 private:
  std::string_view rest_;
};

/// An empty folder, for models that name external data.
inline const std::filesystem::path& empty_folder() {
  static const std::filesystem::path folder = [] {
    std::string name = (std::filesystem::temp_directory_path() / "nqcli-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) finding("no temporary folder");
    static const std::string kept = name;
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove_all(kept, ignored);
    });
    return std::filesystem::path(name);
  }();
  return folder;
}

/// Bytes of all values of a graph.
inline double bytes_of(const TypedGraph& typed) {
  double bytes = 0;
  for (std::size_t value = 0; value < typed.graph.num_values(); ++value) {
    const TensorType& type = typed.type(ValueId{static_cast<std::int32_t>(value)});
    double elements = 1;
    for (const std::int64_t dim : type.shape) elements *= static_cast<double>(dim);
    bytes += elements * static_cast<double>(element_bytes(type.dtype));
  }
  return bytes;
}

/// Values in [-1, 1] that follow from their place.
inline float value_at(std::uint64_t place) {
  std::uint64_t bits = (place + 1) * 0x9E3779B97F4A7C15ULL;
  bits = (bits ^ (bits >> 31)) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<float>(static_cast<std::int64_t>(bits >> 40)) / 8388608.0F - 1.0F;
}

}  // namespace nq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
