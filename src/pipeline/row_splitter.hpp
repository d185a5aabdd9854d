#pragma once

#include <vector>

#include "core/check.hpp"
#include "nq/linear_site.hpp"
#include "nq/tensor.hpp"

namespace nq {

/// Rows of `view` that belong to each real image of a chunk, passed on one image at a time.
class RowSplitter {
 public:
  RowSplitter(const LinearSite& site, const TensorView& view, std::int64_t plan_batch) : c_in_(site.c_in) {
    const bool in_place = view.dtype() == DType::f32 && site.kind != SiteKind::conv_patch && !site.x_transposed;
    if (!in_place) copy_ = site.input_rows(view);
    data_ = in_place ? view.as<float>() : copy_.data();
    rows_ = view.elements() / c_in_;
    // Sequence-first exports keep the batch in the second axis.
    interleaved_ = plan_batch > 1 && view.shape().rank() > 2 && view.shape()[0] != plan_batch &&
                   view.shape()[1] == plan_batch;
    NQ_CHECK(rows_ % plan_batch == 0, unsupported, "the input of '{}' mixes images of a batch", site.name);
    per_image_ = rows_ / plan_batch;
    plan_batch_ = plan_batch;
  }

  MatrixView image(std::int64_t slot) const {
    if (interleaved_) return {data_ + slot * c_in_, per_image_, c_in_, c_in_ * plan_batch_};
    return {data_ + slot * per_image_ * c_in_, per_image_, c_in_, c_in_};
  }

 private:
  std::int64_t c_in_;
  std::vector<float> copy_;
  const float* data_ = nullptr;
  std::int64_t rows_ = 0;
  std::int64_t per_image_ = 0;
  std::int64_t plan_batch_ = 1;
  bool interleaved_ = false;
};

}  // namespace nq
