#include "nq/preprocess.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "data/crop_geometry.hpp"
#include "data/preprocess_formats.hpp"
#include "data/resize.hpp"

namespace nq {
namespace {

constexpr std::size_t kLevels = 256;
using LevelTable = std::array<float, kLevels>;

/// The model's value of each pixel level, computed as PyTorch does: three float32 operations.
LevelTable make_levels(float mean, float std) {
  LevelTable table{};
  for (std::size_t level = 0; level < kLevels; ++level) {
    table[level] = (static_cast<float>(level) / 255.0F - mean) / std;
  }
  return table;
}

/// Part of the crop that the resized image covers; empty when the two do not meet.
Window covered_window(const CropGeometry& geometry, const Preprocess& preprocess) {
  const int left = std::max(0, geometry.left);
  const int top = std::max(0, geometry.top);
  return {left, top, std::min(geometry.resized_width, geometry.left + preprocess.width) - left,
          std::min(geometry.resized_height, geometry.top + preprocess.height) - top};
}

std::string describe_resize(const Preprocess& preprocess) {
  if (preprocess.resize == ResizeMode::none) return "no resize";
  const ResizeTarget target = resize_target(preprocess);
  const std::string edges = fmt::format("{}x{}", target.height, target.width);
  const std::string crop_pct =
      preprocess.resize_to ? std::string() : fmt::format(" (crop_pct {})", preprocess.crop_pct);
  const auto text = [&](std::string_view how, const std::string& size) {
    return fmt::format("{} {} px{} {}", how, size, crop_pct, to_string(preprocess.interpolation));
  };
  if (preprocess.resize == ResizeMode::squash) return text("squash to", edges);
  if (target.height == target.width) return text("short edge to", fmt::format("{}", target.height));
  return text("scale to cover", edges);
}

}  // namespace

std::string_view to_string(ResizeMode mode) noexcept {
  switch (mode) {
    case ResizeMode::short_edge: return "short_edge";
    case ResizeMode::squash: return "squash";
    case ResizeMode::none: return "none";
  }
  return "?";
}

std::string_view to_string(CropOffset offset) noexcept {
  return offset == CropOffset::half_even ? "half_even" : "floor";
}

std::string_view to_string(ChannelOrder order) noexcept { return order == ChannelOrder::rgb ? "RGB" : "BGR"; }

std::string describe(const Preprocess& preprocess) {
  const auto& mean = preprocess.mean;
  const auto& std = preprocess.std;
  const std::string_view rounding =
      preprocess.crop_offset == CropOffset::floor ? " (offset rounded down)" : "";
  return fmt::format("{}, centre crop {}x{}{}, mean [{}, {}, {}], std [{}, {}, {}], {}{}{}",
                     describe_resize(preprocess), preprocess.height, preprocess.width, rounding, mean[0],
                     mean[1], mean[2], std[0], std[1], std[2], to_string(preprocess.channels),
                     preprocess.source.empty() ? "" : ", from ", preprocess.source);
}

void apply_preprocess(const Image& image, const Preprocess& preprocess, std::span<float> chw) {
  const auto width = static_cast<std::size_t>(preprocess.width);
  const auto plane = static_cast<std::size_t>(preprocess.height) * width;
  NQ_ASSERT(preprocess.height > 0 && preprocess.width > 0 && chw.size() == 3 * plane);
  const CropGeometry geometry = crop_geometry(preprocess, image.width, image.height);
  const Window window = covered_window(geometry, preprocess);
  const Image crop =
      resize_window(image, geometry.resized_width, geometry.resized_height, preprocess.interpolation, window);
  const bool is_padded = window.width < preprocess.width || window.height < preprocess.height;
  const std::size_t pad_left = static_cast<std::size_t>(window.left - geometry.left);
  const std::size_t pad_top = static_cast<std::size_t>(window.top - geometry.top);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const LevelTable levels = make_levels(preprocess.mean[channel], preprocess.std[channel]);
    const std::span<float> target = chw.subspan(channel * plane, plane);
    if (is_padded) std::fill(target.begin(), target.end(), levels[0]);
    const std::size_t source_channel = preprocess.channels == ChannelOrder::rgb ? channel : 2 - channel;
    const std::uint8_t* pixel = crop.pixels.data() + source_channel;
    for (std::size_t y = 0; y < static_cast<std::size_t>(crop.height); ++y) {
      float* row = target.data() + (pad_top + y) * width + pad_left;
      for (std::size_t x = 0; x < static_cast<std::size_t>(crop.width); ++x, pixel += 3) {
        row[x] = levels[*pixel];
      }
    }
  }
}

}  // namespace nq
