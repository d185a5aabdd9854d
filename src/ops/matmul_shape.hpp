#pragma once

#include <cstdint>
#include <vector>

#include "nq/types.hpp"

namespace nq {

/// One numpy.matmul: `products` pairs of matrices [rows, depth] and [depth, cols], the axes before
/// them broadcast. A 1-D operand gains an axis for the product and loses it in `out`.
struct MatMulShape {
  Shape out;
  std::int64_t rows = 1, depth = 1, cols = 1;
  std::int64_t a_matrices = 1, b_matrices = 1, products = 1;
};

/// Throws Error(input) when the operands do not fit.
MatMulShape matmul_shape(const Shape& a, const Shape& b);

/// Where the matrices of each product lie, in matrices.
struct MatMulPlaces {
  std::vector<std::int64_t> a, b;
};
MatMulPlaces matmul_places(const Shape& a, const Shape& b);

}  // namespace nq
