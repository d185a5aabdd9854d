#include "quant/attention_meter.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/parallel.hpp"
#include "quant/affine_grid.hpp"

namespace nq {
namespace {

RowMatrix rounded(const float* values, std::int64_t rows, std::int64_t cols, const QuantParams& params) {
  const AffineGrid grid = affine_grid(params);
  RowMatrix result(rows, cols);
  for (std::int64_t at = 0; at < rows * cols; ++at) result.data()[at] = grid_round(values[at], grid);
  return result;
}

ConstRows mapped(const float* values, std::int64_t rows, std::int64_t cols) {
  return as_eigen({values, rows, cols, cols});
}

Eigen::Map<RowMatrix> writable(float* values, std::int64_t rows, std::int64_t cols) {
  return {values, rows, cols};
}

double squared_sum(const RowMatrix& matrix) {
  double sum = 0;
  for (Eigen::Index at = 0; at < matrix.size(); ++at) {
    sum += static_cast<double>(matrix.data()[at]) * static_cast<double>(matrix.data()[at]);
  }
  return sum;
}

/// p e^d / sum(p e^d) - p, in place of d.
void change_of_probabilities(const float* p, float* d, std::int64_t keys) {
  float largest = -std::numeric_limits<float>::infinity();
  for (std::int64_t key = 0; key < keys; ++key) {
    if (p[key] > 0.0F) largest = std::max(largest, d[key]);
  }
  double sum = 0;
  for (std::int64_t key = 0; key < keys; ++key) {
    d[key] = p[key] > 0.0F ? p[key] * std::exp(d[key] - largest) : 0.0F;
    sum += static_cast<double>(d[key]);
  }
  const float inverse = sum > 0 ? static_cast<float>(1.0 / sum) : 0.0F;
  for (std::int64_t key = 0; key < keys; ++key) d[key] = d[key] * inverse - p[key];
}

}  // namespace

AttentionMeter::AttentionMeter(const AttentionSamples& samples)
    : samples_(samples), output_(static_cast<std::size_t>(samples.instances * samples.rows * samples.v_dim)) {
  for (std::int64_t i = 0; i < samples.instances; ++i) {
    writable(output_.data() + i * samples.rows * samples.v_dim, samples.rows, samples.v_dim).noalias() =
        as_eigen(samples.probabilities(i)) * as_eigen(samples.value_rows(i));
  }
  sampled_p_max_ = *std::max_element(samples.p.begin(), samples.p.end());
  for (const float value : samples.v) mean_value2_ += static_cast<double>(value) * static_cast<double>(value);
  mean_value2_ /= static_cast<double>(samples.v.size());
}

AttentionMeter::Operands AttentionMeter::operands(std::span<const float> query_scale,
                                                  std::span<const float> key_shift) const {
  const std::int64_t rows = samples_.rows, keys = samples_.keys, dim = samples_.dim;
  Operands result{samples_.q, samples_.k, std::vector<float>(samples_.p.size())};
  for (std::int64_t i = 0; i < samples_.instances; ++i) {
    const std::int64_t first = samples_.head[static_cast<std::size_t>(i)] * dim;
    float* queries = result.q.data() + i * rows * dim;
    float* key_rows = result.k.data() + i * keys * dim;
    for (std::int64_t at = 0; at < rows * dim && !query_scale.empty(); ++at) {
      queries[at] /= query_scale[static_cast<std::size_t>(first + at % dim)];
    }
    for (std::int64_t at = 0; at < keys * dim; ++at) {
      const auto channel = static_cast<std::size_t>(first + at % dim);
      if (!query_scale.empty()) key_rows[at] *= query_scale[channel];
      if (!key_shift.empty()) key_rows[at] += key_shift[channel];
    }
    writable(result.s.data() + i * rows * keys, rows, keys).noalias() =
        mapped(queries, rows, dim) * mapped(key_rows, keys, dim).transpose();
  }
  return result;
}

double AttentionMeter::mean_over_instances(std::int64_t values,
                                           const std::function<double(std::int64_t)>& error) const {
  std::vector<double> sums(static_cast<std::size_t>(samples_.instances), 0.0);
  parallel_for(0, samples_.instances, 1,
               [&](std::int64_t i, std::int64_t) { sums[static_cast<std::size_t>(i)] = error(i); });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total / static_cast<double>(samples_.instances * samples_.rows * values);
}

double AttentionMeter::score_loss(const Operands& operands, const QuantParams& q,
                                  const QuantParams& k) const {
  const std::int64_t rows = samples_.rows, keys = samples_.keys, dim = samples_.dim;
  const bool through_softmax = samples_.factor.has_value();
  return mean_over_instances(through_softmax ? samples_.v_dim : keys, [&](std::int64_t i) {
    const float* queries = operands.q.data() + i * rows * dim;
    const float* key_rows = operands.k.data() + i * keys * dim;
    RowMatrix change = rounded(queries, rows, dim, q) * rounded(key_rows, keys, dim, k).transpose() -
                       mapped(operands.s.data() + i * rows * keys, rows, keys);
    if (!through_softmax) return squared_sum(change);
    change *= *samples_.factor;
    const MatrixView probabilities = samples_.probabilities(i);
    for (std::int64_t row = 0; row < rows; ++row) {
      change_of_probabilities(probabilities.row(row), change.data() + row * keys, keys);
    }
    return squared_sum(change * as_eigen(samples_.value_rows(i)));
  });
}

// Few rows hold the largest probabilities, and samples miss them: the largest one stands for itself.
double AttentionMeter::unsampled_clipping(const QuantParams& p) const {
  const double missed = static_cast<double>(samples_.p_max - dequantize(p.qmax(), p.scale[0], p.zero_point[0]));
  const bool is_sampled = !(sampled_p_max_ < samples_.p_max);
  if (is_sampled || !(missed > 0) || samples_.rows_seen <= 0) return 0;
  return missed * missed * mean_value2_ / static_cast<double>(samples_.rows_seen);
}

double AttentionMeter::value_loss(const QuantParams& p, const QuantParams& v) const {
  const std::int64_t rows = samples_.rows, keys = samples_.keys, v_dim = samples_.v_dim;
  return unsampled_clipping(p) + mean_over_instances(v_dim, [&](std::int64_t i) {
    const float* probabilities = samples_.p.data() + i * rows * keys;
    const float* values = samples_.v.data() + i * keys * v_dim;
    return squared_sum(rounded(probabilities, rows, keys, p) * rounded(values, keys, v_dim, v) -
                       mapped(output_.data() + i * rows * v_dim, rows, v_dim));
  });
}

}  // namespace nq
