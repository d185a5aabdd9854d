#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nq/tensor.hpp"

namespace nq {

/// Extremes per channel over all calibration tokens, [heads * channels of a head].
struct ChannelRange {
  std::vector<float> low, high;
};

/// What calibration keeps of one attention: whole heads of single images (instances), of which
/// some query rows.
struct AttentionSamples {
  std::int64_t instances = 0;
  std::int64_t heads = 1;
  std::int64_t rows = 0;  ///< sampled query rows of an instance
  std::int64_t keys = 0;
  std::int64_t dim = 0;            ///< channels of a query or key of one head
  std::int64_t v_dim = 0;          ///< channels of a value of one head
  std::vector<float> q;            ///< [instances, rows, dim]
  std::vector<float> k;            ///< [instances, keys, dim]
  std::vector<float> v;            ///< [instances, keys, v_dim]
  std::vector<float> p;            ///< softmax output, [instances, rows, keys]
  std::vector<std::int32_t> head;  ///< [instances]
  ChannelRange q_range, k_range, v_range;
  float p_max = 1;              ///< largest probability seen
  std::int64_t rows_seen = 0;   ///< query rows of all images and heads, sampled or not; 0 when unknown
  std::optional<float> factor;  ///< of the scores on their way to the Softmax

  MatrixView queries(std::int64_t i) const { return {q.data() + i * rows * dim, rows, dim, dim}; }
  MatrixView key_rows(std::int64_t i) const { return {k.data() + i * keys * dim, keys, dim, dim}; }
  MatrixView value_rows(std::int64_t i) const { return {v.data() + i * keys * v_dim, keys, v_dim, v_dim}; }
  MatrixView probabilities(std::int64_t i) const { return {p.data() + i * rows * keys, rows, keys, keys}; }
};

}  // namespace nq
