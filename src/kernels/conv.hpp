#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.hpp"
#include "kernels/window.hpp"

namespace nq::kernels {

/// Sizes of a grouped convolution: x [batch, groups * c_in, in...], w [groups * c_out, c_in, taps...],
/// y [batch, groups * c_out, out...].
struct ConvShape {
  std::int64_t batch = 1, groups = 1;
  std::int64_t c_in = 1, c_out = 1;  ///< per group
  Window window;

  std::int64_t depth() const { return c_in * window.taps(); }
};

/// Convolution as a product with gathered windows, on all threads. `bias` has one value per output
/// channel and may be null. Every output is one chain of fma over input channel, then tap, from 0.
void conv(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y);

/// The same sums by direct loops, for any element types: few channels per group, integers, double.
/// Padding counts as x_zero. `w_zero` has one value per output channel and may be null.
template <typename X, typename W, typename Sum>
void conv_direct(const ConvShape& shape, const X* x, const W* w, Sum x_zero, const Sum* w_zero,
                 const Sum* bias, Sum* y);

/// Transposed convolution: x [batch, groups * c_in, out...], w [groups * c_in, c_out, taps...],
/// y [batch, groups * c_out, in...]. The window is that of the convolution whose gradient this is,
/// so its `out` is this operator's input. `scratch` holds conv_transpose_scratch floats.
void conv_transpose(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y,
                    float* scratch);
std::size_t conv_transpose_scratch(const ConvShape& shape);

/// True when windows tile the input without gaps, overlap or padding: the convolution is then one
/// linear layer over patches. Holds for one group only.
bool is_patch_conv(const ConvShape& shape);

/// A patch convolution with its weight packed once. `w` is [c_out, c_in, taps...].
class PatchConv {
 public:
  /// Throws Error(internal) unless is_patch_conv(shape).
  PatchConv(const ConvShape& shape, const float* w);

  /// y [batch, c_out, out...], as conv.
  void run(const float* x, const float* bias, float* y) const;
  /// y [batch, out positions, c_out]: the token order that a transformer reads.
  void run_tokens(const float* x, const float* bias, float* y) const;

 private:
  template <typename Store>
  void for_each_block(const float* x, const Store& store) const;

  ConvShape shape_;
  PackedMatrix weight_;  ///< [depth, c_out]
};

}  // namespace nq::kernels
