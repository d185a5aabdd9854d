#pragma once

#include <string>
#include <vector>

#include "nq/method.hpp"
#include "quant/attention_samples.hpp"

namespace nq {

/// What the layers that make Q and K can take over at no run-time cost.
struct AttentionFreedom {
  /// A constant vector per head may be added to every key: it changes all scores of a query alike,
  /// which the Softmax does not see.
  bool key_shift = false;
  /// Channels of Q may be divided and those of K multiplied by a factor: the scores stay the same.
  bool query_scale = false;
};

/// Bits of the operands of the two products.
struct AttentionBits {
  int scores = 8;  ///< Q and K
  int values = 8;  ///< probabilities and V
};

/// Quantizers of one attention, and how Q and K are rewritten before them.
struct AttentionFit {
  QuantParams q, k, p, v;          ///< per tensor
  std::vector<float> query_scale;  ///< a, [heads * dim]: Q / a and K * a are quantized; empty for none
  std::vector<float> key_shift;    ///< added to K * a, [heads * dim]; empty for none
  double key_noise_amplitude = 0;  ///< of a drawn key shift
  /// Mean squared error of softmax(...) V with the scores, or the values, alone quantized; where
  /// the scores' way to the Softmax is unknown, that of the scores.
  std::vector<StageLoss> score_stages;
  std::vector<StageLoss> value_stages;
};

/// Fits one attention. Pure and deterministic; a stage never ends with a larger loss than it began
/// with. `bits` stand for MethodOptions::activation_bits. `name` keys the random stream. Throws Error(input) on samples that are not finite.
AttentionFit fit_attention(const AttentionSamples& samples, const AttentionFreedom& freedom, const AttentionBits& bits,
                           ProductStrategy strategy, const MethodOptions& options, const std::string& name);

}  // namespace nq
