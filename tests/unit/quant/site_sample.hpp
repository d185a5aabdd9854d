#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "nq/method.hpp"
#include "quant/dense.hpp"

namespace nq::test {

/// A synthetic layer with its samples; owns what its SiteInput points to.
struct SiteSample {
  std::int64_t row_count;
  std::int64_t c_in;
  std::int64_t c_out;
  std::vector<float> rows;
  std::vector<float> row_weight;
  std::vector<float> channel_min;
  std::vector<float> channel_max;
  std::vector<float> weight;
  std::vector<float> bias;

  SiteSample(std::int64_t row_count_in, std::int64_t c_in_in, std::int64_t c_out_in)
      : row_count(row_count_in),
        c_in(c_in_in),
        c_out(c_out_in),
        rows(static_cast<std::size_t>(row_count * c_in)),
        row_weight(static_cast<std::size_t>(row_count), 1.0F),
        weight(static_cast<std::size_t>(c_in * c_out)),
        bias(static_cast<std::size_t>(c_out), 0.0F) {}

  SiteInput input() {
    channel_min.assign(static_cast<std::size_t>(c_in), 0.0F);
    channel_max.assign(static_cast<std::size_t>(c_in), 0.0F);
    for (std::int64_t c = 0; c < c_in; ++c) {
      float low = rows[static_cast<std::size_t>(c)];
      float high = low;
      for (std::int64_t r = 0; r < row_count; ++r) {
        low = std::min(low, rows[static_cast<std::size_t>(r * c_in + c)]);
        high = std::max(high, rows[static_cast<std::size_t>(r * c_in + c)]);
      }
      channel_min[static_cast<std::size_t>(c)] = low;
      channel_max[static_cast<std::size_t>(c)] = high;
    }
    SiteInput site;
    site.name = "layer";
    site.rows = {rows.data(), row_count, c_in, c_in};
    site.row_weight = row_weight;
    site.channel_min = channel_min;
    site.channel_max = channel_max;
    site.tokens = row_count;
    site.weight = {weight.data(), c_in, c_out, c_out};
    site.bias = bias;
    return site;
  }
};

/// Correlated channels with unequal means and spreads, a few wide channels and heavy tails, as
/// after a LayerNormalization; with `gelu` passed through x * sigmoid(1.7 x).
inline SiteSample random_site(std::int64_t row_count, std::int64_t c_in, std::int64_t c_out, bool gelu,
                              std::string_view name = "site") {
  SiteSample sample(row_count, c_in, c_out);
  RandomStream stream(11, name);
  std::vector<double> mean(static_cast<std::size_t>(c_in));
  std::vector<double> spread(static_cast<std::size_t>(c_in));
  for (std::int64_t c = 0; c < c_in; ++c) {
    mean[static_cast<std::size_t>(c)] = 0.5 * stream.normal();
    spread[static_cast<std::size_t>(c)] = std::exp(0.6 * stream.normal()) * (c % 17 == 3 ? 4.0 : 0.6);
  }
  for (std::int64_t r = 0; r < row_count; ++r) {
    const double common = stream.normal();
    for (std::int64_t c = 0; c < c_in; ++c) {
      const auto i = static_cast<std::size_t>(c);
      double x = mean[i] + spread[i] * (0.5 * common + stream.normal());
      if (gelu) x /= 1.0 + std::exp(-1.7 * x);
      sample.rows[static_cast<std::size_t>(r * c_in + c)] = static_cast<float>(x);
    }
    sample.row_weight[static_cast<std::size_t>(r)] = r % 5 == 0 ? 2.0F : 1.0F;
  }
  for (float& w : sample.weight) w = static_cast<float>(0.1 * stream.normal());
  for (float& b : sample.bias) b = static_cast<float>(stream.normal());
  return sample;
}

}  // namespace nq::test
