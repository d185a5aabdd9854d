#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "nq/tensor.hpp"

namespace nq {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstRows = Eigen::Map<const RowMatrix, 0, Eigen::OuterStride<>>;

inline ConstRows as_eigen(const MatrixView& view) {
  return {view.data, view.rows, view.cols, Eigen::OuterStride<>(view.stride)};
}

/// Rows [first, last) of a view.
inline MatrixView row_range(const MatrixView& view, std::int64_t first, std::int64_t last) {
  return {view.row(first), last - first, view.cols, view.stride};
}

/// Rows that one product of a pass over the samples takes: the split of every sum over rows.
inline constexpr std::int64_t kRowTile = 128;

}  // namespace nq
