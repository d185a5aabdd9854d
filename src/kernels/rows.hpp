#pragma once

#include <cstdint>

#include "kernels/isa/kernel_table.hpp"

namespace nq::kernels {

// Kernels over the rows of a dense matrix [rows, cols] and over arrays. They run on all threads;
// every row is computed alone, in sixteen fixed lanes, so the result depends neither on the thread
// count, nor on the other rows, nor on the instruction set. x and y may be the same array.

/// y = softmax(x) per row; a row of -infinity gives NaN. Error below 4e-7 relative to the result.
void softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t cols);

/// y = log(softmax(x)) per row.
void log_softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t cols);

/// Normalizes each row of [rows, norm.cols]. `mean` and `inv_std` receive one value per row unless null.
void normalize_rows(const RowNorm& norm, const float* x, float* y, std::int64_t rows, float* mean = nullptr,
                    float* inv_std = nullptr);

/// y = e^x, erf(x), x * Phi(x), and GELU's tanh form, element by element. Errors: exp 2 ulp,
/// erf 2 ulp, gelu 3 ulp of the result from x = -4 on, 3e-10 below.
void exp_array(const float* x, float* y, std::int64_t count);
void erf_array(const float* x, float* y, std::int64_t count);
void gelu_erf_array(const float* x, float* y, std::int64_t count);
void gelu_tanh_array(const float* x, float* y, std::int64_t count);

}  // namespace nq::kernels
