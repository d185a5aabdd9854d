#include "kernels/conv.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "core/divide_up.hpp"
#include "core/parallel.hpp"
#include "kernels/gemm.hpp"
#include "kernels/scratch.hpp"

namespace nq::kernels {
namespace {

/// Input offset of each column of a panel under one tap, -1 in the padding.
using PanelOffsets = std::array<std::int64_t, kPanelColumns>;

PanelOffsets panel_offsets(const Window& window, std::int64_t first, std::int64_t used, std::int64_t tap) {
  const auto& [z_axis, y_axis, x_axis] = window.axes;
  const auto [z_tap, y_tap, x_tap] = window.tap(tap);
  PanelOffsets offsets;
  offsets.fill(-1);
  for (std::int64_t col = 0; col < used; ++col) {
    const std::int64_t at = first + col;
    const std::int64_t x = x_axis.position(at % x_axis.out, x_tap);
    const std::int64_t y = y_axis.position(at / x_axis.out % y_axis.out, y_tap);
    const std::int64_t z = z_axis.position(at / x_axis.out / y_axis.out, z_tap);
    const bool inside = x >= 0 && x < x_axis.in && y >= 0 && y < y_axis.in && z >= 0 && z < z_axis.in;
    if (inside) offsets[static_cast<std::size_t>(col)] = (z * y_axis.in + y) * x_axis.in + x;
  }
  return offsets;
}

/// Writes one panel [depth, kPanelColumns] of gathered windows.
void gather_panel(const ConvShape& shape, const float* x, std::int64_t first, std::int64_t used,
                  float* panel) {
  const std::int64_t plane = shape.window.in_positions();
  const std::int64_t taps = shape.window.taps();
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const PanelOffsets offsets = panel_offsets(shape.window, first, used, tap);
    const bool inside = std::all_of(offsets.begin(), offsets.end(), [](std::int64_t at) { return at >= 0; });
    for (std::int64_t channel = 0; channel < shape.c_in; ++channel) {
      const float* source = x + channel * plane;
      float* row = panel + (channel * taps + tap) * kPanelColumns;
      if (inside) {
        for (std::size_t col = 0; col < kPanelColumns; ++col) row[col] = source[offsets[col]];
      } else {
        for (std::size_t col = 0; col < kPanelColumns; ++col)
          row[col] = offsets[col] >= 0 ? source[offsets[col]] : 0.0F;
      }
    }
  }
}

/// Output positions per task: as many panels as keep the gathered windows near 1 MiB.
std::int64_t columns_per_task(const ConvShape& shape) {
  const std::int64_t panels =
      (std::int64_t{1} << 18) / (std::max<std::int64_t>(1, shape.depth()) * kPanelColumns);
  return std::clamp<std::int64_t>(panels, 2, 64) * kPanelColumns;
}

/// acc + w * x, fused for floats so that the sum is the same chain as in a product.
template <typename Sum>
Sum multiply_add(Sum w, Sum x, Sum acc) {
  if constexpr (std::is_floating_point_v<Sum>) {
    return std::fma(w, x, acc);
  } else {
    return acc + w * x;
  }
}

/// Adds weight * (x - x_zero) under one tap to one output plane.
template <typename X, typename Sum>
void add_tap(const Window& window, const X* plane, std::int64_t tap, Sum weight, Sum x_zero, Sum* out) {
  const auto& [z_axis, y_axis, x_axis] = window.axes;
  const auto [z_tap, y_tap, x_tap] = window.tap(tap);
  const auto [x_first, x_end] = x_axis.windows_inside(x_tap);
  const auto [y_first, y_end] = y_axis.windows_inside(y_tap);
  const auto [z_first, z_end] = z_axis.windows_inside(z_tap);
  for (std::int64_t z = z_first; z < z_end; ++z) {
    for (std::int64_t y = y_first; y < y_end; ++y) {
      const std::int64_t row = z_axis.position(z, z_tap) * y_axis.in + y_axis.position(y, y_tap);
      const X* source = plane + row * x_axis.in + x_tap * x_axis.dilation - x_axis.pad_begin;
      Sum* target = out + (z * y_axis.out + y) * x_axis.out;
      if (x_axis.stride == 1) {
        for (std::int64_t x = x_first; x < x_end; ++x) {
          target[x] = multiply_add(weight, static_cast<Sum>(source[x]) - x_zero, target[x]);
        }
      } else {
        for (std::int64_t x = x_first; x < x_end; ++x) {
          target[x] = multiply_add(weight, static_cast<Sum>(source[x * x_axis.stride]) - x_zero, target[x]);
        }
      }
    }
  }
}

/// Few output channels per group leave a product nothing to share: direct loops are faster.
bool prefers_direct(const ConvShape& shape) { return shape.groups > 1 && shape.c_out < 4; }

}  // namespace

void conv(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y) {
  const std::int64_t positions = shape.window.out_positions();
  const std::int64_t images = shape.batch * shape.groups;
  if (images * positions * shape.c_out == 0) return;
  if (prefers_direct(shape)) {
    conv_direct<float, float, float>(shape, x, w, 0.0F, nullptr, bias, y);
    return;
  }
  const std::int64_t step = columns_per_task(shape);
  const std::int64_t pieces = divide_up(positions, step);
  const auto body = [&](std::int64_t task, std::int64_t) {
    const std::int64_t image = task / pieces;
    const std::int64_t group = image % shape.groups;
    const std::int64_t first = task % pieces * step;
    const std::int64_t cols = std::min(step, positions - first);
    const float* source = x + image * shape.c_in * shape.window.in_positions();
    float* panels = thread_scratch(ScratchUse::panel_b, packed_floats(shape.depth(), cols));
    for (std::int64_t col = 0; col < cols; col += kPanelColumns) {
      gather_panel(shape, source, first + col, std::min(kPanelColumns, cols - col),
                   panels + col * shape.depth());
    }
    Epilogue epilogue;
    if (bias != nullptr) epilogue.row_bias = bias + group * shape.c_out;
    const float* weight = w + group * shape.c_out * shape.depth();
    gemm_serial(StridedMatrix::dense(weight, shape.c_out, shape.depth()), panels, cols,
                y + image * shape.c_out * positions + first, positions, epilogue);
  };
  parallel_for(0, images * pieces, 1, std::cref(body));
}

template <typename X, typename W, typename Sum>
void conv_direct(const ConvShape& shape, const X* x, const W* w, Sum x_zero, const Sum* w_zero,
                 const Sum* bias, Sum* y) {
  const std::int64_t positions = shape.window.out_positions();
  const std::int64_t taps = shape.window.taps();
  const auto body = [&](std::int64_t index, std::int64_t) {
    const std::int64_t channel = index % (shape.groups * shape.c_out);
    const std::int64_t image = index / (shape.groups * shape.c_out);
    const std::int64_t group = channel / shape.c_out;
    const X* source = x + (image * shape.groups + group) * shape.c_in * shape.window.in_positions();
    const W* weight = w + channel * shape.depth();
    const Sum zero = w_zero != nullptr ? w_zero[channel] : Sum{0};
    Sum* out = y + index * positions;
    std::fill_n(out, positions, Sum{0});
    for (std::int64_t k = 0; k < shape.depth(); ++k) {
      add_tap(shape.window, source + k / taps * shape.window.in_positions(), k % taps,
              static_cast<Sum>(weight[k]) - zero, x_zero, out);
    }
    if (bias != nullptr) {
      for (std::int64_t i = 0; i < positions; ++i) out[i] += bias[channel];
    }
  };
  parallel_for(0, shape.batch * shape.groups * shape.c_out, 1, std::cref(body));
}

template void conv_direct(const ConvShape&, const float*, const float*, float, const float*, const float*,
                          float*);
template void conv_direct(const ConvShape&, const double*, const double*, double, const double*,
                          const double*, double*);
template void conv_direct(const ConvShape&, const std::uint8_t*, const std::uint8_t*, std::int32_t,
                          const std::int32_t*, const std::int32_t*, std::int32_t*);
template void conv_direct(const ConvShape&, const std::uint8_t*, const std::int8_t*, std::int32_t,
                          const std::int32_t*, const std::int32_t*, std::int32_t*);
template void conv_direct(const ConvShape&, const std::int8_t*, const std::uint8_t*, std::int32_t,
                          const std::int32_t*, const std::int32_t*, std::int32_t*);
template void conv_direct(const ConvShape&, const std::int8_t*, const std::int8_t*, std::int32_t,
                          const std::int32_t*, const std::int32_t*, std::int32_t*);

std::size_t conv_transpose_scratch(const ConvShape& shape) {
  const std::int64_t positions = shape.window.out_positions();
  return packed_floats(shape.c_in, positions) +
         static_cast<std::size_t>(shape.c_out * shape.window.taps() * positions);
}

void conv_transpose(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y,
                    float* scratch) {
  const Window& window = shape.window;
  const std::int64_t positions = window.out_positions();
  const std::int64_t taps = window.taps();
  float* columns = scratch + packed_floats(shape.c_in, positions);
  for (std::int64_t image = 0; image < shape.batch * shape.groups; ++image) {
    const std::int64_t group = image % shape.groups;
    const float* weight = w + group * shape.c_in * shape.c_out * taps;
    pack_matrix(StridedMatrix::dense(x + image * shape.c_in * positions, shape.c_in, positions), scratch);
    gemm(StridedMatrix::dense(weight, shape.c_in, shape.c_out * taps).transposed(), scratch, positions,
         columns, positions);
    const auto body = [&](std::int64_t channel, std::int64_t) {
      float* out = y + (image * shape.c_out + channel) * window.in_positions();
      std::fill_n(out, window.in_positions(), bias != nullptr ? bias[group * shape.c_out + channel] : 0.0F);
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const float* source = columns + (channel * taps + tap) * positions;
        for (std::int64_t first = 0; first < positions; first += kPanelColumns) {
          const std::int64_t used = std::min(kPanelColumns, positions - first);
          const PanelOffsets offsets = panel_offsets(window, first, used, tap);
          for (std::int64_t col = 0; col < used; ++col) {
            const std::int64_t at = offsets[static_cast<std::size_t>(col)];
            if (at >= 0) out[at] += source[first + col];
          }
        }
      }
    };
    parallel_for(0, shape.c_out, 1, std::cref(body));
  }
}

}  // namespace nq::kernels
