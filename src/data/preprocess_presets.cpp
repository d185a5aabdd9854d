#include <algorithm>

#include "core/check.hpp"
#include "nq/preprocess.hpp"

namespace nq {
namespace {

struct Preset {
  std::array<float, 3> mean;
  std::array<float, 3> std;
  double crop_pct;
};

constexpr std::array<std::string_view, 3> kNames = {"imagenet", "inception", "clip"};

/// In the order of kNames. Values: timm/data/constants.py; crop_pct of the models trained with them.
constexpr std::array<Preset, kNames.size()> kPresets = {{
    {{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}, 0.875},
    {{0.5F, 0.5F, 0.5F}, {0.5F, 0.5F, 0.5F}, 0.9},
    {{0.48145466F, 0.4578275F, 0.40821073F}, {0.26862954F, 0.26130258F, 0.27577711F}, 1.0},
}};

}  // namespace

std::span<const std::string_view> preprocess_preset_names() noexcept { return kNames; }

Preprocess preprocess_preset(std::string_view name, int height, int width) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  NQ_CHECK(found != kNames.end(), usage, "unknown preprocess preset '{}'; presets: {}", name,
           fmt::join(kNames, ", "));
  NQ_CHECK(
      height > 0 && width > 0, usage,
      "the model leaves its image size open, so preset '{}' is not enough; pass a preprocess JSON file with "
      "\"input_size\"",
      name);
  const Preset& preset = kPresets[static_cast<std::size_t>(found - kNames.begin())];
  Preprocess preprocess;
  preprocess.height = height;
  preprocess.width = width;
  preprocess.crop_pct = preset.crop_pct;
  preprocess.mean = preset.mean;
  preprocess.std = preset.std;
  preprocess.source = fmt::format("preset '{}'", name);
  return preprocess;
}

}  // namespace nq
