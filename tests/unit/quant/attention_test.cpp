#include <catch2/catch.hpp>
#include <cmath>

#include "quant/attention_fit.hpp"
#include "quant/attention_meter.hpp"
#include "quant/quantizers.hpp"
#include "support/random.hpp"

namespace nq {
namespace {

/// One head's attention with exact probabilities.
AttentionSamples made_up_samples() {
  AttentionSamples s;
  s.instances = 3;
  s.heads = 1;
  s.rows = 4;
  s.keys = 7;
  s.dim = 5;
  s.v_dim = 6;
  s.q = test::random_values(s.instances * s.rows * s.dim, "q");
  s.k = test::random_values(s.instances * s.keys * s.dim, "k");
  s.v = test::random_values(s.instances * s.keys * s.v_dim, "v");
  for (std::size_t at = 0; at < s.k.size(); at += 5) s.k[at] += 6.0F;  // a channel far from zero
  s.head.assign(3, 0);
  s.factor = 0.4F;
  for (std::int64_t i = 0; i < s.instances; ++i) {
    for (std::int64_t row = 0; row < s.rows; ++row) {
      std::vector<double> weights;
      double sum = 0;
      for (std::int64_t key = 0; key < s.keys; ++key) {
        double score = 0;
        for (std::int64_t d = 0; d < s.dim; ++d) {
          score +=
              static_cast<double>(s.queries(i).row(row)[d]) * static_cast<double>(s.key_rows(i).row(key)[d]);
        }
        weights.push_back(std::exp(0.4 * score));
        sum += weights.back();
      }
      for (const double weight : weights) s.p.push_back(static_cast<float>(weight / sum));
    }
  }
  const auto range = [](const std::vector<float>& values, std::int64_t channels) {
    ChannelRange result{std::vector<float>(static_cast<std::size_t>(channels), 1e9F),
                        std::vector<float>(static_cast<std::size_t>(channels), -1e9F)};
    for (std::size_t at = 0; at < values.size(); ++at) {
      const std::size_t c = at % static_cast<std::size_t>(channels);
      result.low[c] = std::min(result.low[c], values[at]);
      result.high[c] = std::max(result.high[c], values[at]);
    }
    return result;
  };
  s.q_range = range(s.q, s.dim);
  s.k_range = range(s.k, s.dim);
  s.v_range = range(s.v, s.v_dim);
  return s;
}

float fake(float x, const QuantParams& params) {
  return dequantize(quantize(x, params.scale[0], params.zero_point[0], params.qmin(), params.qmax()),
                    params.scale[0], params.zero_point[0]);
}

/// Error of the attention's output with quantized Q and K, from the scores on, in double.
double direct_score_loss(const AttentionSamples& s, const QuantParams& q, const QuantParams& k) {
  double total = 0;
  for (std::int64_t i = 0; i < s.instances; ++i) {
    for (std::int64_t row = 0; row < s.rows; ++row) {
      std::vector<double> weights;
      double sum = 0;
      for (std::int64_t key = 0; key < s.keys; ++key) {
        double score = 0;
        for (std::int64_t d = 0; d < s.dim; ++d) {
          score += static_cast<double>(fake(s.queries(i).row(row)[d], q)) *
                   static_cast<double>(fake(s.key_rows(i).row(key)[d], k));
        }
        weights.push_back(std::exp(0.4 * score));
        sum += weights.back();
      }
      for (std::int64_t d = 0; d < s.v_dim; ++d) {
        double error = 0;
        for (std::int64_t key = 0; key < s.keys; ++key) {
          error += (weights[static_cast<std::size_t>(key)] / sum -
                    static_cast<double>(s.probabilities(i).row(row)[key])) *
                   static_cast<double>(s.value_rows(i).row(key)[d]);
        }
        total += error * error;
      }
    }
  }
  return total / static_cast<double>(s.instances * s.rows * s.v_dim);
}

}  // namespace

TEST_CASE("the change of probabilities is that of a softmax of changed scores", "[quant]") {
  const AttentionSamples samples = made_up_samples();
  const AttentionMeter meter(samples);
  const QuantParams q = symmetric_activation(2.5, 4);
  const QuantParams k = symmetric_activation(7, 4);
  const double direct = direct_score_loss(samples, q, k);
  CHECK(meter.score_loss(meter.operands({}, {}), q, k) == Approx(direct).epsilon(1e-4));
}

TEST_CASE("keys that may be centred quantize better", "[quant]") {
  const AttentionSamples samples = made_up_samples();
  MethodOptions options;
  const AttentionFit held = fit_attention(samples, {false, false}, {4, 4}, ProductStrategy::best, options, "a");
  const AttentionFit free = fit_attention(samples, {true, true}, {4, 4}, ProductStrategy::best, options, "a");
  CHECK(held.key_shift.empty());
  CHECK(held.query_scale.empty());
  REQUIRE(free.key_shift.size() == 5);
  CHECK(free.key_shift[0] < -3);
  CHECK(free.score_stages.back().mse < 0.5 * held.score_stages.back().mse);
}

TEST_CASE("every strategy lowers the loss of the one before it", "[quant]") {
  const AttentionSamples samples = made_up_samples();
  MethodOptions options;
  double previous = 1e9;
  for (const ProductStrategy strategy :
       {ProductStrategy::extremes, ProductStrategy::scale, ProductStrategy::noise, ProductStrategy::best}) {
    const AttentionFit fit = fit_attention(samples, {true, true}, {5, 5}, strategy, options, "a");
    const double loss = fit.score_stages.back().mse + fit.value_stages.back().mse;
    CHECK(loss <= previous);
    previous = loss;
  }
}

}  // namespace nq
