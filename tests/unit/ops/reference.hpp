#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "nq/tensor.hpp"

// Plain index arithmetic to check data movement against.

namespace nq::test {

using Index = std::vector<std::int64_t>;

/// 0, 1, 2, ... in row-major order (modulo the range of T).
template <typename T>
Tensor counting(Shape shape) {
  std::vector<T> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<T>(k);
  return Tensor::of<T>(std::move(shape), values);
}

inline std::int64_t offset_of(const Shape& shape, const Index& index) {
  std::int64_t offset = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) offset = offset * shape[axis] + index[axis];
  return offset;
}

/// Calls body(index) for every position of `shape` in row-major order.
template <typename Body>
void for_each_index(const Shape& shape, Body&& body) {
  Index index(static_cast<std::size_t>(shape.rank()), 0);
  for (std::int64_t k = 0; k < shape.elements(); ++k) {
    std::int64_t rest = k;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    body(index);
  }
}

inline Tensor ints(const std::vector<std::int64_t>& values) {
  return Tensor::of<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
}

inline Tensor bools(Shape shape, const std::vector<int>& values) {
  Tensor tensor(TensorType{DType::boolean, std::move(shape)});
  for (std::size_t k = 0; k < values.size(); ++k) tensor.mutable_span<bool>()[k] = values[k] != 0;
  return tensor;
}

}  // namespace nq::test
