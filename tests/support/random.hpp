#pragma once

#include <string_view>
#include <vector>

#include "core/rng.hpp"
#include "nq/tensor.hpp"

namespace nq::test {

/// Normal values, the same on every run.
inline std::vector<float> random_values(std::int64_t count, std::string_view name, float spread = 1.0F) {
  RandomStream stream(7, name);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = spread * static_cast<float>(stream.normal());
  return values;
}

inline Tensor random_tensor(const Shape& shape, std::string_view name, float spread = 1.0F) {
  return Tensor::of(shape, random_values(shape.elements(), name, spread));
}

}  // namespace nq::test
