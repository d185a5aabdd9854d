#include "ops/resize_geometry.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "ops/arguments.hpp"
#include "ops/check.hpp"

namespace nq {
namespace {

bool is_upsample(const OpContext& context) { return context.node().op_type == "Upsample"; }

/// Upsample-1 has one scale for each of the last two axes of [N,C,H,W].
std::vector<double> first_upsample_scales(const OpContext& context) {
  NQ_CHECK(context.input_shape(0).rank() == 4, input, "Upsample (opset 1) takes [N,C,H,W], got {}",
           to_string(context.input_shape(0)));
  const auto scale = [&](std::string_view name) {
    NQ_CHECK(has_attr(context.node(), name), input, "Upsample has no {}", name);
    return static_cast<double>(attr_float(context.node(), name, 1.0F));
  };
  return {1.0, 1.0, scale("height_scale"), scale("width_scale")};
}

/// The scales, or nothing when sizes are given instead.
std::optional<std::vector<double>> given_scales(const OpContext& context) {
  if (is_upsample(context) && context.opset() < 7) return first_upsample_scales(context);
  if (is_upsample(context) && context.opset() < 9) {
    const std::vector<float> scales = attr_floats(context.node(), "scales");
    return std::vector<double>(scales.begin(), scales.end());
  }
  const int input = is_upsample(context) || context.opset() < 11 ? 1 : 2;
  if (!context.has_input(input) || context.input_shape(input).elements() == 0) return std::nullopt;
  check_dtype(context, input, {DType::f32});
  return to_vector<double>(context.require_constant(input).view());
}

std::optional<std::vector<std::int64_t>> given_sizes(const OpContext& context) {
  const bool possible = !is_upsample(context) && context.opset() >= 11 && context.has_input(3);
  if (!possible || context.input_shape(3).elements() == 0) return std::nullopt;
  return constant_ints(context, 3);
}

/// Axes that scales, sizes and roi refer to: all unless opset 18's attribute says otherwise.
std::vector<int> named_axes(const OpContext& context) {
  const int rank = context.input_shape(0).rank();
  if (context.opset() >= 18 && has_attr(context.node(), "axes")) {
    return normalize_axes(attr_ints(context.node(), "axes"), rank);
  }
  std::vector<int> axes(static_cast<std::size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

void check_count(const char* what, std::size_t count, std::size_t expected) {
  NQ_CHECK(count == expected, input, "Resize has {} {}, expected {}", count, what, expected);
}

/// Input roi is [start of each axis..., end of each axis...].
void apply_roi(const OpContext& context, const std::vector<int>& named, std::vector<ResizeAxis>& axes) {
  NQ_CHECK(context.has_input(1), input, "Resize with tf_crop_and_resize has no roi");
  const std::vector<double> roi = to_vector<double>(context.require_constant(1).view());
  check_count("roi values", roi.size(), 2 * named.size());
  for (std::size_t k = 0; k < named.size(); ++k) {
    ResizeAxis& axis = axes[named[k]];
    axis.roi_start = roi[k];
    axis.roi_end = roi[named.size() + k];
    NQ_CHECK(std::isfinite(axis.roi_start) && std::isfinite(axis.roi_end), input, "Resize roi is not finite");
  }
}

/// out = floor(in * roi length * scale).
void apply_scales(const std::vector<double>& scales, const std::vector<int>& named,
                  std::vector<ResizeAxis>& axes) {
  check_count("scales", scales.size(), named.size());
  for (std::size_t k = 0; k < named.size(); ++k) {
    ResizeAxis& axis = axes[named[k]];
    NQ_CHECK(std::isfinite(scales[k]) && scales[k] > 0, input, "Resize scale is {}", scales[k]);
    axis.scale = scales[k];
    axis.width = axis.scale * static_cast<double>(axis.in);
    const double out =
        std::floor(static_cast<double>(axis.in) * (axis.roi_end - axis.roi_start) * axis.scale);
    NQ_CHECK(out >= 0 && out <= static_cast<double>(kMaxElements), resource,
             "Resize makes an axis {} elements long", out);
    axis.out = static_cast<std::int64_t>(out);
  }
}

void apply_sizes(const OpContext& context, const std::vector<std::int64_t>& sizes,
                 const std::vector<int>& named, std::vector<ResizeAxis>& axes) {
  check_count("sizes", sizes.size(), named.size());
  std::vector<double> ratios;
  for (std::size_t k = 0; k < named.size(); ++k) {
    ResizeAxis& axis = axes[named[k]];
    NQ_CHECK(sizes[k] >= 0 && sizes[k] <= kMaxElements, input, "Resize size is {}", sizes[k]);
    NQ_CHECK(axis.in > 0 || sizes[k] == 0, input, "Resize of an empty axis to {}", sizes[k]);
    axis.out = sizes[k];
    axis.width = static_cast<double>(axis.out);
    axis.scale = axis.in == 0 ? 1.0 : axis.width / static_cast<double>(axis.in);
    ratios.push_back(axis.scale);
  }
  const std::string policy = attr_string(context.node(), "keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch" || ratios.empty()) return;
  NQ_CHECK(policy == "not_larger" || policy == "not_smaller", input,
           "Resize keep_aspect_ratio_policy is '{}'", policy);
  const auto [smallest, largest] = std::minmax_element(ratios.begin(), ratios.end());
  const double scale = policy == "not_larger" ? *smallest : *largest;
  for (const int named_axis : named) {
    ResizeAxis& axis = axes[named_axis];
    axis.scale = scale;
    axis.width = scale * static_cast<double>(axis.in);
    const double out = std::floor(axis.width + 0.5);
    NQ_CHECK(out <= static_cast<double>(kMaxElements), resource, "Resize makes an axis {} elements long",
             out);
    axis.out = static_cast<std::int64_t>(out);
  }
}

}  // namespace

bool ResizeAxis::is_identity() const noexcept {
  return in == out && std::abs(scale - 1.0) <= 1e-9 && roi_start == 0 && roi_end == 1;
}

ResizeCoordinates resize_coordinates(const OpContext& context) {
  if (context.opset() < 11) return ResizeCoordinates::asymmetric;
  const std::string name = attr_string(context.node(), "coordinate_transformation_mode", "half_pixel");
  if (name == "half_pixel") return ResizeCoordinates::half_pixel;
  if (name == "half_pixel_symmetric") return ResizeCoordinates::half_pixel_symmetric;
  if (name == "pytorch_half_pixel") return ResizeCoordinates::pytorch_half_pixel;
  if (name == "tf_half_pixel_for_nn") return ResizeCoordinates::tf_half_pixel_for_nn;
  if (name == "align_corners") return ResizeCoordinates::align_corners;
  if (name == "asymmetric") return ResizeCoordinates::asymmetric;
  if (name == "tf_crop_and_resize") return ResizeCoordinates::tf_crop_and_resize;
  fail(ErrorKind::input, "Resize coordinate_transformation_mode is '{}'", name);
}

std::vector<ResizeAxis> resize_axes(const OpContext& context) {
  std::vector<ResizeAxis> axes;
  for (const std::int64_t length : context.input_shape(0)) {
    axes.push_back({.in = length, .out = length, .width = static_cast<double>(length)});
  }
  const std::vector<int> named = named_axes(context);
  const auto scales = given_scales(context);
  const auto sizes = given_sizes(context);
  NQ_CHECK(scales.has_value() != sizes.has_value(), input, "{} needs either scales or sizes",
           context.node().op_type);
  if (resize_coordinates(context) == ResizeCoordinates::tf_crop_and_resize) apply_roi(context, named, axes);
  if (scales.has_value())
    apply_scales(*scales, named, axes);
  else
    apply_sizes(context, *sizes, named, axes);
  return axes;
}

double source_position(const ResizeAxis& axis, ResizeCoordinates mode, std::int64_t k) {
  const auto x = static_cast<double>(k);
  const auto in = static_cast<double>(axis.in);
  const double half_pixel = (x + 0.5) / axis.scale - 0.5;
  switch (mode) {
    case ResizeCoordinates::half_pixel: return half_pixel;
    case ResizeCoordinates::half_pixel_symmetric:
      // Summed in the order of the standard, so that a tie of mode nearest falls the same way.
      return in / 2 * (1 - static_cast<double>(axis.out) / axis.width) + (x + 0.5) / axis.scale - 0.5;
    case ResizeCoordinates::pytorch_half_pixel: return axis.out > 1 ? half_pixel : 0.0;
    case ResizeCoordinates::tf_half_pixel_for_nn: return (x + 0.5) / axis.scale;
    case ResizeCoordinates::align_corners: return axis.out > 1 ? x * (in - 1) / (axis.width - 1) : 0.0;
    case ResizeCoordinates::asymmetric: return x / axis.scale;
    case ResizeCoordinates::tf_crop_and_resize: break;
  }
  if (axis.out <= 1) return 0.5 * (axis.roi_start + axis.roi_end) * (in - 1);
  const double span = (axis.roi_end - axis.roi_start) * (in - 1);
  return axis.roi_start * (in - 1) + x * span / (static_cast<double>(axis.out) - 1);
}

bool is_extrapolated(const ResizeAxis& axis, ResizeCoordinates mode, double position) {
  if (mode != ResizeCoordinates::tf_crop_and_resize) return false;
  return position < 0 || position > static_cast<double>(axis.in - 1);
}

}  // namespace nq
