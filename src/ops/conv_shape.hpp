#pragma once

#include "kernels/conv.hpp"
#include "nq/op.hpp"

namespace nq {

/// Sizes of a convolution node with inputs x and w at the given places.
/// Throws Error(input) when they do not fit.
kernels::ConvShape conv_shape(const OpContext& context, int w_input = 1);

/// Shape of a convolution's output.
Shape conv_output_shape(const OpContext& context, const kernels::ConvShape& shape);

}  // namespace nq
