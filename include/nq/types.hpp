#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nq {

/// Element types, named after ONNX TensorProto.DataType (onnx.proto3).
///
/// Sub-byte integers are held one element per byte in memory; packing happens only in files.
enum class DType : std::uint8_t {
  f32, f64, f16, bf16,
  i8, u8, i16, u16, i32, u32, i64, u64,
  boolean,
  i4, u4,
  f8e4m3fn, f8e4m3fnuz, f8e5m2, f8e5m2fnuz,
  string,
};

/// Bytes of one element in memory (1 for sub-byte and float8 types, 0 for string).
std::size_t element_bytes(DType dtype) noexcept;

/// "float32", "int8", ... as in numpy and the ONNX documentation.
std::string_view to_string(DType dtype) noexcept;

bool is_float(DType dtype) noexcept;
bool is_integer(DType dtype) noexcept;

/// Static dimensions, outermost first. A scalar has rank 0 and one element.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}

  int rank() const noexcept { return static_cast<int>(dims_.size()); }
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t& operator[](int axis) { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t back() const { return dims_.back(); }
  std::span<const std::int64_t> dims() const noexcept { return dims_; }
  auto begin() const noexcept { return dims_.begin(); }
  auto end() const noexcept { return dims_.end(); }
  void push_back(std::int64_t dim) { dims_.push_back(dim); }

  /// Number of elements. Throws Error(input) on a negative dimension, Error(resource) when the count
  /// or one dimension is above kMaxElements.
  std::int64_t elements() const;

  bool operator==(const Shape&) const = default;

 private:
  std::vector<std::int64_t> dims_;
};

/// Largest element count of one tensor that nqcli accepts (2^34: 64 GiB of float32).
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 34;

/// "[8,197,384]"
std::string to_string(const Shape& shape);

/// Maps a possibly negative ONNX axis to [0, rank). Throws Error(input) when it is outside.
int normalize_axis(std::int64_t axis, int rank);

struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const TensorType&) const = default;

  /// Bytes of the dense row-major tensor.
  std::size_t bytes() const;
};

std::string to_string(const TensorType& type);

/// Index of a node or value inside one Graph; never a pointer, so graphs copy freely.
struct NodeId {
  std::int32_t index = -1;
  bool valid() const noexcept { return index >= 0; }
  auto operator<=>(const NodeId&) const = default;
};
struct ValueId {
  std::int32_t index = -1;
  bool valid() const noexcept { return index >= 0; }
  auto operator<=>(const ValueId&) const = default;
};

}  // namespace nq
