#include "ops/index.hpp"

namespace nq {
namespace {

/// The walk over the indices, with the indexed axis standing still on the data's side.
std::vector<CopyAxis> element_axes(const Shape& data, const Shape& indices, int axis) {
  const std::vector<std::int64_t> in_data = dense_strides(data);
  const std::vector<std::int64_t> in_indices = dense_strides(indices);
  std::vector<CopyAxis> axes;
  for (int k = 0; k < indices.rank(); ++k) {
    axes.push_back({indices[k], k == axis ? 0 : in_data[k], in_indices[k]});
  }
  return axes;
}

}  // namespace

void check_index_shape(const Shape& data, const Shape& indices, int axis) {
  bool fits = data.rank() == indices.rank();
  for (int k = 0; fits && k < data.rank(); ++k) fits = k == axis || indices[k] <= data[k];
  NQ_CHECK(fits, input, "indices {} do not fit data {} along axis {}", to_string(indices), to_string(data),
           axis);
}

ElementIndexWalk::ElementIndexWalk(const Shape& data, const Shape& indices, int axis)
    : walk_(element_axes(data, indices, axis)), length_(data[axis]), stride_(dense_strides(data)[axis]) {}

TupleIndex::TupleIndex(const Shape& data, const Shape& indices, int batch) {
  const std::vector<std::int64_t> strides = dense_strides(data);
  const auto depth = static_cast<std::ptrdiff_t>(indices.back());
  lengths_.assign(data.begin() + batch, data.begin() + batch + depth);
  strides_.assign(strides.begin() + batch, strides.begin() + batch + depth);
  count_ = Shape(std::vector(indices.begin(), indices.end() - 1)).elements();
  block_elements_ = Shape(std::vector(data.begin() + batch + depth, data.end())).elements();
  if (count_ == 0 || batch == 0) {
    tuples_per_batch_ = std::max<std::int64_t>(1, count_);
    return;
  }
  tuples_per_batch_ = Shape(std::vector(indices.begin() + batch, indices.end() - 1)).elements();
  batch_stride_ = strides[batch - 1];
}

}  // namespace nq
