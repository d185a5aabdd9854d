#include "data/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>

#include "core/check.hpp"

namespace nq {
namespace {

constexpr int kChannels = 3;
// Pillow's 8-bit resampling keeps 22 fraction bits: 32 minus 8 for the sample and 2 for the overshoot
// of filters with negative lobes.
constexpr int kFractionBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

struct Filter {
  double (*weight)(double);  ///< at a distance in units of the (widened) sample grid
  double support;            ///< weight is 0 at and beyond this distance
};

double sinc(double x) {
  if (x == 0.0) return 1.0;
  const double angle = x * std::numbers::pi;
  return std::sin(angle) / angle;
}

double box_weight(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear_weight(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

/// Pillow writes the two constants as float; with doubles, rare levels differ by one.
double hamming_weight(double x) {
  const double distance = std::abs(x);
  if (distance >= 1.0) return 0.0;
  return sinc(distance) * (0.54F + 0.46F * std::cos(distance * std::numbers::pi));
}

/// Cubic convolution (Keys 1981) with a = -0.5.
double bicubic_weight(double x) {
  constexpr double a = -0.5;
  const double d = std::abs(x);
  if (d < 1.0) return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
  if (d < 2.0) return (((d - 5.0) * d + 8.0) * d - 4.0) * a;
  return 0.0;
}

double lanczos_weight(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bilinear: return {bilinear_weight, 1.0};
    case Interpolation::bicubic: return {bicubic_weight, 2.0};
    case Interpolation::lanczos: return {lanczos_weight, 3.0};
    case Interpolation::box: return {box_weight, 0.5};
    case Interpolation::hamming: return {hamming_weight, 1.0};
    case Interpolation::nearest: break;
  }
  fail(ErrorKind::internal, "'{}' is not a convolution", to_string(interpolation));
}

/// Fixed-point filter taps of a run of output positions along one axis.
struct Taps {
  int in_begin = 0;                   ///< first input position that any tap reads
  int in_count = 0;                   ///< number of input positions from there on
  int stride = 0;                     ///< weights reserved per output position
  std::vector<int> first;             ///< first tap, counted from in_begin, per output position
  std::vector<int> count;             ///< number of taps, per output position
  std::vector<std::int32_t> weights;  ///< [positions, stride], scaled by 2^kFractionBits

  std::size_t positions() const { return first.size(); }
  const std::int32_t* of(std::size_t position) const {
    return weights.data() + position * static_cast<std::size_t>(stride);
  }
};

std::int32_t to_fixed(double weight) {
  return static_cast<std::int32_t>(weight * (1 << kFractionBits) + (weight < 0.0 ? -0.5 : 0.5));
}

/// One tap of weight 1: Pillow skips the pass along an axis that keeps its size.
Taps identity_taps(int begin, int positions) {
  Taps taps{begin, positions, 1, {}, {}, {}};
  taps.first.resize(static_cast<std::size_t>(positions));
  std::iota(taps.first.begin(), taps.first.end(), 0);
  taps.count.assign(taps.first.size(), 1);
  taps.weights.assign(taps.first.size(), 1 << kFractionBits);
  return taps;
}

/// Taps of output positions [begin, begin + positions) when `in_size` samples become `out_size`.
Taps make_taps(const Filter& filter, int in_size, int out_size, int begin, int positions) {
  if (in_size == out_size) return identity_taps(begin, positions);
  const double scale = static_cast<double>(in_size) / out_size;
  const double widening = std::max(scale, 1.0);
  const double support = filter.support * widening;
  const double inverse_widening = 1.0 / widening;
  Taps taps;
  taps.stride = std::min(static_cast<int>(std::ceil(support)) * 2 + 1, in_size);
  taps.weights.resize(static_cast<std::size_t>(positions) * static_cast<std::size_t>(taps.stride));
  std::vector<double> exact(static_cast<std::size_t>(taps.stride));
  std::int32_t* weights = taps.weights.data();
  for (int position = begin; position < begin + positions; ++position, weights += taps.stride) {
    const double center = (position + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int count = std::min(in_size, static_cast<int>(center + support + 0.5)) - first;
    double sum = 0.0;
    for (int tap = 0; tap < count; ++tap) {
      const double weight = filter.weight((tap + first - center + 0.5) * inverse_widening);
      exact[static_cast<std::size_t>(tap)] = weight;
      sum += weight;
    }
    for (int tap = 0; tap < count; ++tap) {
      const double weight = exact[static_cast<std::size_t>(tap)];
      weights[tap] = to_fixed(sum == 0.0 ? weight : weight / sum);
    }
    taps.first.push_back(first);
    taps.count.push_back(count);
  }
  taps.in_begin = taps.first.front();
  taps.in_count = taps.first.back() + taps.count.back() - taps.in_begin;
  for (int& first : taps.first) first -= taps.in_begin;
  return taps;
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

std::size_t row_bytes(int width) { return static_cast<std::size_t>(width) * kChannels; }

Image blank(int width, int height) {
  return {width, height, std::vector<std::uint8_t>(row_bytes(width) * static_cast<std::size_t>(height))};
}

/// Columns [left, left + width) of rows [top, top + height), copied.
Image copy_window(const Image& image, const Window& window) {
  Image out = blank(window.width, window.height);
  for (int y = 0; y < window.height; ++y) {
    const auto* row = image.pixels.data() + row_bytes(image.width) * static_cast<std::size_t>(window.top + y);
    std::memcpy(out.pixels.data() + row_bytes(window.width) * static_cast<std::size_t>(y),
                row + row_bytes(window.left), row_bytes(window.width));
  }
  return out;
}

/// Input position under each output position. The coordinate is accumulated, not multiplied out, since
/// Pillow accumulates it: the rounding of the sum decides between neighbours.
std::vector<int> nearest_positions(int in_size, int out_size, int begin, int positions) {
  std::vector<int> table(static_cast<std::size_t>(positions));
  const double scale = static_cast<double>(in_size) / out_size;
  double coordinate = scale * 0.5;
  for (int position = 0; position < begin + positions; ++position, coordinate += scale) {
    if (position < begin) continue;
    table[static_cast<std::size_t>(position - begin)] = std::min(static_cast<int>(coordinate), in_size - 1);
  }
  return table;
}

Image resize_nearest(const Image& image, int width, int height, const Window& window) {
  const auto columns = nearest_positions(image.width, width, window.left, window.width);
  const auto rows = nearest_positions(image.height, height, window.top, window.height);
  Image out = blank(window.width, window.height);
  std::uint8_t* target = out.pixels.data();
  for (const int y : rows) {
    const std::uint8_t* row = image.pixels.data() + row_bytes(image.width) * static_cast<std::size_t>(y);
    for (const int x : columns) target = std::copy_n(row + row_bytes(x), kChannels, target);
  }
  return out;
}

/// Pixels inside an image, from `data` on; rows are `stride` bytes apart.
struct PixelView {
  const std::uint8_t* data;
  std::size_t stride;
};

/// out[x, channel] = sum over taps of in[first(x) + tap, channel] * weight.
void filter_row(const std::uint8_t* in, const Taps& taps, std::uint8_t* out) {
  for (std::size_t x = 0; x < taps.positions(); ++x) {
    const std::int32_t* weights = taps.of(x);
    const int count = taps.count[x];
    const std::uint8_t* pixel = in + row_bytes(taps.first[x]);
    std::int32_t red = kHalf, green = kHalf, blue = kHalf;
    for (int tap = 0; tap < count; ++tap, pixel += kChannels) {
      red += pixel[0] * weights[tap];
      green += pixel[1] * weights[tap];
      blue += pixel[2] * weights[tap];
    }
    *out++ = to_pixel(red);
    *out++ = to_pixel(green);
    *out++ = to_pixel(blue);
  }
}

/// The pass along x: `rows` rows of `in` become as many of taps.positions() pixels.
Image filter_columns(const PixelView& in, int rows, const Taps& taps) {
  Image out = blank(static_cast<int>(taps.positions()), rows);
  for (std::size_t y = 0; y < static_cast<std::size_t>(rows); ++y) {
    filter_row(in.data + in.stride * y, taps, out.pixels.data() + row_bytes(out.width) * y);
  }
  return out;
}

/// The pass along y: `columns` pixels of taps.in_count rows of `in` become taps.positions() rows.
/// The inner loops run over whole rows, so that they vectorize.
Image filter_rows(const PixelView& in, int columns, const Taps& taps) {
  Image out = blank(columns, static_cast<int>(taps.positions()));
  std::vector<std::int32_t> sums(row_bytes(columns));
  std::uint8_t* target = out.pixels.data();
  for (std::size_t y = 0; y < taps.positions(); ++y, target += sums.size()) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int tap = 0; tap < taps.count[y]; ++tap) {
      const std::uint8_t* row = in.data + in.stride * static_cast<std::size_t>(taps.first[y] + tap);
      const std::int32_t weight = taps.of(y)[tap];
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += row[i] * weight;
    }
    for (std::size_t i = 0; i < sums.size(); ++i) target[i] = to_pixel(sums[i]);
  }
  return out;
}

/// Which pass Pillow 13 takes first; the 8-bit rounding in between makes the order visible. Earlier
/// releases always take columns first.
bool rows_come_first(const Image& image, int width, int height) {
  return height < image.height &&
         std::int64_t{image.height} - height > 2 * (std::int64_t{image.width} - width);
}

}  // namespace

std::string_view to_string(Interpolation interpolation) noexcept {
  switch (interpolation) {
    case Interpolation::nearest: return "nearest";
    case Interpolation::bilinear: return "bilinear";
    case Interpolation::bicubic: return "bicubic";
    case Interpolation::lanczos: return "lanczos";
    case Interpolation::box: return "box";
    case Interpolation::hamming: return "hamming";
  }
  return "?";
}

Image resize_window(const Image& image, int width, int height, Interpolation interpolation,
                    const Window& window) {
  NQ_ASSERT(image.width > 0 && image.height > 0 && width > 0 && height > 0);
  NQ_ASSERT(window.left >= 0 && window.width > 0 && window.width <= width - window.left);
  NQ_ASSERT(window.top >= 0 && window.height > 0 && window.height <= height - window.top);
  if (width == image.width && height == image.height) return copy_window(image, window);
  if (interpolation == Interpolation::nearest) return resize_nearest(image, width, height, window);
  const Filter filter = filter_of(interpolation);
  const Taps columns = make_taps(filter, image.width, width, window.left, window.width);
  const Taps rows = make_taps(filter, image.height, height, window.top, window.height);
  const std::size_t stride = row_bytes(image.width);
  const PixelView in{
      image.pixels.data() + stride * static_cast<std::size_t>(rows.in_begin) + row_bytes(columns.in_begin),
      stride};
  if (rows_come_first(image, width, height)) {
    const Image flat = filter_rows(in, columns.in_count, rows);
    return filter_columns({flat.pixels.data(), row_bytes(flat.width)}, flat.height, columns);
  }
  const Image narrow = filter_columns(in, rows.in_count, columns);
  return filter_rows({narrow.pixels.data(), row_bytes(narrow.width)}, narrow.width, rows);
}

Image resize(const Image& image, int width, int height, Interpolation interpolation) {
  return resize_window(image, width, height, interpolation, {0, 0, width, height});
}

}  // namespace nq
