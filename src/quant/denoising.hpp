#pragma once

#include <span>
#include <vector>

#include "nq/method.hpp"

namespace nq {

/// Bias of the quantized layer, [c_out] (paper: B' = B - q_W(W) N):
/// bias - N * Wq + bias_correction, summed in double and rounded once to float32. The emitter
/// writes these values and the searches measure with them.
std::vector<float> denoising_bias(std::span<const float> bias, const SiteFit& fit);

/// N * Wq, [c_out]: the part of the product that the noisy bias adds.
std::vector<double> noise_output(const SiteFit& fit);

}  // namespace nq
