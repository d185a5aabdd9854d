#pragma once

#include <string>

#include "nq/tensor.hpp"

namespace nq::conformance {

/// |actual - expected| <= atol + rtol * |expected| for floats, as numpy.allclose; exact otherwise.
struct Tolerance {
  double rtol = 1e-3;
  double atol = 1e-7;
};

/// Empty when equal within tolerance, else what differs.
std::string difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance);

}  // namespace nq::conformance
