#include "ops/resize_weights.hpp"

#include <algorithm>
#include <cmath>

#include "ops/check.hpp"

namespace nq {
namespace {

/// Most weights of one axis: 1 GiB.
constexpr double kMaxWeights = 1 << 27;

/// Keys, "Cubic convolution interpolation for digital image processing" (1981), equation (4).
double cubic_kernel(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

double linear_kernel(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Divides by the sum, which is left alone when it is 0.
void normalize(std::vector<double>& weights) {
  double sum = 0;
  for (const double weight : weights) sum += weight;
  if (sum == 0) return;
  for (double& weight : weights) weight /= sum;
}

/// The window of one output element: `weights` for input positions from `begin` on, some of which
/// may lie outside the input.
struct Window {
  std::int64_t begin = 0;
  std::vector<double> weights;
};

/// Half the count of a window's positions.
std::int64_t half_window(double stretch, const ResizeFilter& filter) {
  return -static_cast<std::int64_t>(std::floor((filter.cubic ? -2.0 : -1.0) / stretch));
}

Window make_window(double position, double stretch, const ResizeFilter& filter) {
  const std::int64_t half = half_window(stretch, filter);
  // A position on an element counts as one step right of its left neighbour.
  const double left = std::ceil(position) - 1;
  Window window;
  window.begin = static_cast<std::int64_t>(left) - half + 1;
  for (std::int64_t k = 1 - half; k <= half; ++k) {
    const double distance = stretch * (static_cast<double>(k) - (position - left));
    window.weights.push_back(filter.cubic ? cubic_kernel(distance, filter.cubic_a) : linear_kernel(distance));
  }
  if (filter.antialias) normalize(window.weights);
  return window;
}

void drop_outside(Window& window, std::int64_t length) {
  for (std::size_t k = 0; k < window.weights.size(); ++k) {
    const std::int64_t at = window.begin + static_cast<std::int64_t>(k);
    if (at < 0 || at >= length) window.weights[k] = 0;
  }
  normalize(window.weights);
}

}  // namespace

ResizeFilter resize_filter(const OpContext& context) {
  const Node& node = context.node();
  ResizeFilter filter;
  filter.cubic = attr_string(node, "mode", "nearest") == "cubic";
  filter.cubic_a = attr_float(node, "cubic_coeff_a", -0.75F);
  filter.antialias = context.opset() >= 18 && attr_int(node, "antialias", 0) != 0;
  filter.exclude_outside = context.opset() >= 11 && attr_int(node, "exclude_outside", 0) != 0;
  return filter;
}

ResizeWeights resize_weights(const ResizeAxis& axis, ResizeCoordinates mode, const ResizeFilter& filter) {
  const double stretch = filter.antialias ? std::min(axis.scale, 1.0) : 1.0;
  NQ_CHECK((4.0 / stretch + 2) * static_cast<double>(axis.out) <= kMaxWeights, resource,
           "Resize from {} to {} elements needs too many weights", axis.in, axis.out);
  ResizeWeights table;
  table.taps = 2 * half_window(stretch, filter);
  table.weights.assign(static_cast<std::size_t>(table.taps * axis.out), 0.0);
  for (std::int64_t k = 0; k < axis.out; ++k) {
    const double position = source_position(axis, mode, k);
    if (is_extrapolated(axis, mode, position)) {
      table.first.push_back(0);
      table.count.push_back(0);
      continue;
    }
    Window window = make_window(position, stretch, filter);
    if (filter.exclude_outside) drop_outside(window, axis.in);
    const auto inside = [&](std::int64_t at) { return std::clamp<std::int64_t>(at, 0, axis.in - 1); };
    const std::int64_t first = inside(window.begin);
    for (std::int64_t j = 0; j < table.taps; ++j) {
      table.weights[k * table.taps + inside(window.begin + j) - first] += window.weights[j];
    }
    table.first.push_back(first);
    table.count.push_back(static_cast<std::int32_t>(inside(window.begin + table.taps - 1) - first + 1));
  }
  return table;
}

}  // namespace nq
