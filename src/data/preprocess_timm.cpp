#include <algorithm>

#include "core/check.hpp"
#include "data/preprocess_formats.hpp"

namespace nq {
namespace {

struct StatedSize {
  int height = 0;
  int width = 0;
  double crop_pct = 0.0;
};

/// `input_size` [channels, height, width]; where the model takes `test_input_size` instead, that size and
/// its crop_pct.
StatedSize choose_size(const JsonFields& fields, const ModelInputSize& model) {
  const auto usual = fields.integers("input_size", 3, 1, kMaxInputEdge).value_or(std::vector<int>{3, 0, 0});
  const double crop_pct = require(fields.number("crop_pct", kMinCropPct, 1.0), "crop_pct");
  NQ_CHECK(usual[0] == 3, input, "input_size has {} channels; only 3 are supported", usual[0]);
  const auto test = fields.integers("test_input_size", 3, 1, kMaxInputEdge);
  if (test && (*test)[1] == model.height && (*test)[2] == model.width) {
    return {model.height, model.width, fields.number("test_crop_pct", kMinCropPct, 1.0).value_or(crop_pct)};
  }
  return {usual[1], usual[2], crop_pct};
}

}  // namespace

Preprocess parse_timm_preprocess(const JsonFields& fields, const ModelInputSize& model) {
  Preprocess preprocess;
  const StatedSize size = choose_size(fields, model);
  set_input_size(preprocess, size.height, size.width, model);
  preprocess.crop_pct = size.crop_pct;
  const std::string crop_mode = fields.text("crop_mode").value_or("center");
  NQ_CHECK(crop_mode == "center" || crop_mode == "squash", input, "crop_mode '{}' is not supported",
           crop_mode);
  preprocess.resize = crop_mode == "center" ? ResizeMode::short_edge : ResizeMode::squash;
  const std::string name = require(fields.text("interpolation"), "interpolation");
  preprocess.interpolation = parse_interpolation("interpolation", name);
  preprocess.mean = to_floats(require(fields.triple("mean", -kMaxMean, kMaxMean), "mean"));
  preprocess.std = to_floats(require(fields.triple("std", kMinStd, kMaxMean), "std"));
  return preprocess;
}

}  // namespace nq
