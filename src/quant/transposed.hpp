#pragma once

#include "quant/dense.hpp"

namespace nq {

/// The columns of [rows, cols] as rows, [cols, rows]; by blocks of rows, so that whole cache lines are written.
RowMatrix transposed(const MatrixView& matrix);

}  // namespace nq
