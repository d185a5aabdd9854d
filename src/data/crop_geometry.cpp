#include "data/crop_geometry.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/check.hpp"

namespace nq {
namespace {

constexpr double kMaxEdge = 1 << 24;

int to_edge(double edge) {
  NQ_CHECK(edge <= kMaxEdge, resource, "resizing would make an edge of {:.0f} pixels", edge);
  return static_cast<int>(edge);
}

/// torchvision, Resize(int): the longer edge is truncated after one division.
ResizeTarget scale_short_edge(int target, int width, int height) {
  const int shorter = std::min(width, height);
  const int longer = std::max(width, height);
  const int new_longer = to_edge(std::floor(static_cast<double>(std::int64_t{target} * longer) / shorter));
  return width <= height ? ResizeTarget{new_longer, target} : ResizeTarget{target, new_longer};
}

/// timm, ResizeKeepRatio: one factor for both edges, rounded half to even as Python rounds.
ResizeTarget scale_to_cover(const ResizeTarget& target, int width, int height) {
  const double ratio =
      std::min(static_cast<double>(height) / target.height, static_cast<double>(width) / target.width);
  return {to_edge(std::nearbyint(height / ratio)), to_edge(std::nearbyint(width / ratio))};
}

ResizeTarget resized_size(const Preprocess& preprocess, int width, int height) {
  if (preprocess.resize == ResizeMode::none) return {height, width};
  const ResizeTarget target = resize_target(preprocess);
  if (preprocess.resize == ResizeMode::squash) return target;
  if (target.height == target.width) return scale_short_edge(target.height, width, height);
  return scale_to_cover(target, width, height);
}

int crop_start(int resized, int cropped, CropOffset rounding) {
  const int excess = resized - cropped;
  // An arithmetic shift rounds down for both signs.
  if (rounding == CropOffset::floor) return excess >> 1;
  return excess >= 0 ? static_cast<int>(std::nearbyint(excess / 2.0)) : -(-excess / 2);
}

}  // namespace

ResizeTarget resize_target(const Preprocess& preprocess) {
  if (preprocess.resize_to) return *preprocess.resize_to;
  return {to_edge(std::floor(preprocess.height / preprocess.crop_pct)),
          to_edge(std::floor(preprocess.width / preprocess.crop_pct))};
}

CropGeometry crop_geometry(const Preprocess& preprocess, int image_width, int image_height) {
  const ResizeTarget size = resized_size(preprocess, image_width, image_height);
  return {size.width, size.height, crop_start(size.width, preprocess.width, preprocess.crop_offset),
          crop_start(size.height, preprocess.height, preprocess.crop_offset)};
}

}  // namespace nq
