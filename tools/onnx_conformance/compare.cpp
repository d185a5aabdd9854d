#include "compare.hpp"

#include <fmt/format.h>

#include <cmath>

namespace nq::conformance {
namespace {

bool close(double actual, double expected, const Tolerance& tolerance, bool exact) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual);
  if (std::isinf(expected) || exact) return actual == expected;
  return std::fabs(actual - expected) <= tolerance.atol + tolerance.rtol * std::fabs(expected);
}

/// One unit of a reduced float type is more than the general tolerance.
Tolerance for_dtype(DType dtype, Tolerance tolerance) {
  if (dtype == DType::f16) return {std::max(tolerance.rtol, 1e-2), std::max(tolerance.atol, 1e-4)};
  if (dtype == DType::bf16) return {std::max(tolerance.rtol, 2e-2), std::max(tolerance.atol, 1e-3)};
  return tolerance;
}

}  // namespace

std::string difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance) {
  if (actual.type() != expected.type()) {
    return fmt::format("type {} instead of {}", to_string(actual.type()), to_string(expected.type()));
  }
  if (expected.dtype() == DType::i64) {
    const auto a = actual.span<std::int64_t>();
    const auto e = expected.span<std::int64_t>();
    for (std::size_t k = 0; k < e.size(); ++k) {
      if (a[k] != e[k]) return fmt::format("element {}: {} instead of {}", k, a[k], e[k]);
    }
    return {};
  }
  const std::vector<double> a = to_vector<double>(actual.view());
  const std::vector<double> e = to_vector<double>(expected.view());
  const Tolerance allowed = for_dtype(expected.dtype(), tolerance);
  for (std::size_t k = 0; k < e.size(); ++k) {
    if (!close(a[k], e[k], allowed, !is_float(expected.dtype()))) {
      return fmt::format("element {}: {:.9g} instead of {:.9g}", k, a[k], e[k]);
    }
  }
  return {};
}

}  // namespace nq::conformance
