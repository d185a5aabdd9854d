#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nq/types.hpp"

namespace nq {

/// Read-only view of a dense row-major tensor. Owns nothing.
struct TensorView {
  const std::byte* data = nullptr;  ///< null for an absent optional input
  const TensorType* type = nullptr;

  bool present() const noexcept { return data != nullptr; }
  const Shape& shape() const noexcept { return type->shape; }
  DType dtype() const noexcept { return type->dtype; }
  std::int64_t elements() const { return type->shape.elements(); }
  template <typename T>
  const T* as() const noexcept {
    return reinterpret_cast<const T*>(data);
  }
  template <typename T>
  std::span<const T> span() const {
    return {as<T>(), static_cast<std::size_t>(elements())};
  }
};

/// Writable view of a dense row-major tensor. Owns nothing.
struct MutableTensorView {
  std::byte* data = nullptr;  ///< null for an absent optional output
  const TensorType* type = nullptr;

  bool present() const noexcept { return data != nullptr; }
  const Shape& shape() const noexcept { return type->shape; }
  DType dtype() const noexcept { return type->dtype; }
  std::int64_t elements() const { return type->shape.elements(); }
  template <typename T>
  T* as() const noexcept {
    return reinterpret_cast<T*>(data);
  }
  template <typename T>
  std::span<T> span() const {
    return {as<T>(), static_cast<std::size_t>(elements())};
  }
};

/// Row-major float32 matrix [rows, cols] with a row stride in elements. Owns nothing.
struct MatrixView {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  const float* row(std::int64_t r) const noexcept { return data + r * stride; }
};

/// Dense row-major tensor with shared immutable bytes: a copy costs one reference count.
///
/// Bytes come either from an allocation of its own (64-byte aligned) or from a foreign owner
/// (a mapped or parsed model file) that it keeps alive. String tensors hold `strings()` instead.
class Tensor {
 public:
  Tensor() = default;

  /// Zero-filled tensor.
  explicit Tensor(TensorType type);

  /// Tensor over foreign bytes kept alive by `owner`. `data` must be aligned to the element size.
  Tensor(TensorType type, std::shared_ptr<const void> owner, const std::byte* data);

  /// Copies `values`. Throws Error(internal) when the count does not fit the shape.
  template <typename T>
  static Tensor of(Shape shape, std::span<const T> values);
  template <typename T>
  static Tensor of(Shape shape, const std::vector<T>& values) {
    return of(std::move(shape), std::span<const T>(values));
  }
  template <typename T>
  static Tensor scalar(T value) {
    return of(Shape{}, std::span<const T>(&value, 1));
  }
  static Tensor of_strings(Shape shape, std::vector<std::string> values);

  bool empty_handle() const noexcept { return data_ == nullptr && strings_ == nullptr; }
  const TensorType& type() const noexcept { return type_; }
  DType dtype() const noexcept { return type_.dtype; }
  const Shape& shape() const noexcept { return type_.shape; }
  std::int64_t elements() const { return type_.shape.elements(); }
  std::size_t bytes() const { return type_.bytes(); }
  const std::byte* data() const noexcept { return data_; }
  TensorView view() const noexcept { return {data_, &type_}; }

  /// Elements as T. Throws Error(internal) when T does not match the dtype.
  template <typename T>
  std::span<const T> span() const;

  /// Writable bytes; only valid while this is the sole owner of an allocation of its own,
  /// that is between construction and the first copy.
  std::byte* mutable_data() noexcept { return mutable_; }
  template <typename T>
  std::span<T> mutable_span();

  /// The same bytes under another shape with equal element count.
  Tensor reshaped(Shape shape) const;

  const std::vector<std::string>& strings() const;

 private:
  TensorType type_;
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  std::byte* mutable_ = nullptr;
  std::shared_ptr<const std::vector<std::string>> strings_;
};

/// DType of a C++ element type (float, double, int8_t ... uint64_t, bool).
template <typename T>
DType dtype_of() noexcept;

/// Elements of any numeric dtype converted to T by static_cast (float16 and friends included).
template <typename T>
std::vector<T> to_vector(const TensorView& tensor);

}  // namespace nq
