#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parallel.hpp"
#include "core/rng.hpp"
#include "kernels/isa.hpp"

namespace nq::test {

/// `count` normal values; the same for equal names.
inline std::vector<float> normal_floats(std::string_view name, std::int64_t count) {
  RandomStream stream(1, name);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(stream.normal());
  return values;
}

/// Bits of floats, for comparisons where -0 and NaN must match as well.
inline std::vector<std::uint32_t> bits(const std::vector<float>& values) {
  std::vector<std::uint32_t> result;
  for (const float value : values) result.push_back(std::bit_cast<std::uint32_t>(value));
  return result;
}

/// Calls body once per kernel table that this processor runs and per thread count 1 and 2, then
/// restores the default.
template <typename Body>
void for_each_setting(const Body& body) {
  const kernels::KernelTable& before = kernels::active_table();
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    for (const int threads : {1, 2}) {
      kernels::use_table(*table);
      set_num_threads(threads);
      INFO("kernels " << table->name << ", threads " << threads);
      body();
    }
  }
  kernels::use_table(before);
  set_num_threads(0);
}

/// Distance of `value` from `exact` in units of the last place of a float near `exact`.
inline double ulps(float value, double exact) {
  const auto nearest = static_cast<float>(std::fabs(exact));
  const double unit = static_cast<double>(std::nextafter(nearest, INFINITY)) - static_cast<double>(nearest);
  return std::fabs(static_cast<double>(value) - exact) / unit;
}

}  // namespace nq::test
