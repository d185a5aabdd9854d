#pragma once

#include <string_view>

#include "data/json_fields.hpp"
#include "nq/preprocess.hpp"

namespace nq {

std::string_view to_string(ResizeMode mode) noexcept;
std::string_view to_string(CropOffset offset) noexcept;
std::string_view to_string(ChannelOrder order) noexcept;

// Ranges that every format is held to.
inline constexpr int kMaxInputEdge = 16384;
inline constexpr double kMinCropPct = 1e-3;
inline constexpr double kMaxMean = 1e6;
inline constexpr double kMinStd = 1e-6;

/// Input size of the model in pixels, 0 where it leaves it open.
struct ModelInputSize {
  int height = 0;
  int width = 0;
};

/// Sets height and width from what a description states (0 where it does not) and what the model takes.
/// Throws Error(input) when they contradict each other or neither is known.
void set_input_size(Preprocess& preprocess, int height, int width, const ModelInputSize& model);

std::array<float, 3> to_floats(const std::array<double, 3>& values);

/// A resampling filter by name. Throws Error(input) naming `key` and the choices.
Interpolation parse_interpolation(std::string_view key, std::string_view name);

// One reader per format; each takes the parsed object.
Preprocess parse_native_preprocess(const JsonFields& fields, const ModelInputSize& model);
Preprocess parse_huggingface_preprocess(const JsonFields& fields, const ModelInputSize& model);
Preprocess parse_timm_preprocess(const JsonFields& fields, const ModelInputSize& model);

}  // namespace nq
