#pragma once

#include <functional>
#include <span>
#include <vector>

#include "nq/quant_params.hpp"
#include "quant/attention_samples.hpp"
#include "quant/dense.hpp"

namespace nq {

/// Output error of one attention's quantizers on its samples.
class AttentionMeter {
 public:
  explicit AttentionMeter(const AttentionSamples& samples);

  /// Queries and keys as their quantizers see them.
  struct Operands {
    std::vector<float> q;  ///< [instances, rows, dim]
    std::vector<float> k;  ///< [instances, keys, dim]
    std::vector<float> s;  ///< their float scores, [instances, rows, keys]
  };
  /// Q / query_scale and K * query_scale + key_shift; empty vectors leave them as they are.
  Operands operands(std::span<const float> query_scale, std::span<const float> key_shift) const;

  /// Error with quantized scores: the change of the scores goes through the Softmax exactly, as
  /// softmax(l + d) = softmax(l) e^d / sum(softmax(l) e^d).
  double score_loss(const Operands& operands, const QuantParams& q, const QuantParams& k) const;

  /// Error with quantized probabilities and values. Where the samples miss the largest probability of all, what clipping
  /// it costs counts as one row of all those seen.
  double value_loss(const QuantParams& p, const QuantParams& v) const;

 private:
  double unsampled_clipping(const QuantParams& p) const;
  double mean_over_instances(std::int64_t values, const std::function<double(std::int64_t)>& error) const;

  const AttentionSamples& samples_;
  std::vector<float> output_;  ///< float P V, [instances, rows, v_dim]
  float sampled_p_max_ = 0;    ///< largest sampled probability
  double mean_value2_ = 0;     ///< mean square of the values
};

}  // namespace nq
