#include "pipeline/channel_affine.hpp"

#include <catch2/catch.hpp>

#include "core/rng.hpp"

using namespace nq;

namespace {

/// x, and x / scale + bias per channel.
struct Pairs {
  std::vector<float> x;
  std::vector<float> p;
};

Pairs make_pairs(const std::vector<float>& scale, const std::vector<float>& bias, int rows) {
  RandomStream stream(3, "affine");
  Pairs pairs;
  for (int row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < scale.size(); ++c) {
      pairs.x.push_back(c == 2 ? 5.0F : static_cast<float>(10 * stream.normal()));  // channel 2 never changes
      pairs.p.push_back(pairs.x.back() / scale[c] + bias[c]);
    }
  }
  return pairs;
}

}  // namespace

TEST_CASE("a noisy bias is found from what it does, in pieces as in one") {
  const std::vector<float> bias = {0.25F, -0.5F, 0.125F, 0.0F};
  const Pairs pairs = make_pairs({1, 1, 1, 1}, bias, 100);
  ChannelAffine channels(4);
  channels.add(std::span(pairs.x).first(40), std::span(pairs.p).first(40));
  channels.add(std::span(pairs.x).subspan(40), std::span(pairs.p).subspan(40));
  REQUIRE(channels.channel_scale().empty());
  const std::vector<float> found = channels.noisy_bias(0.1);
  REQUIRE(found.size() == bias.size());
  for (std::size_t c = 0; c < bias.size(); ++c) REQUIRE(found[c] == Approx(bias[c]).margin(1e-6));
}

TEST_CASE("channel scales are told from a noisy bias") {
  const std::vector<float> scale = {2.0F, 0.5F, 1.0F, 1.5F};
  const std::vector<float> bias = {0.25F, -0.5F, 0.125F, 0.75F};
  const Pairs pairs = make_pairs(scale, bias, 200);
  ChannelAffine channels(4);
  channels.add(pairs.x, pairs.p);
  for (std::size_t c = 0; c < scale.size(); ++c) {
    REQUIRE(channels.channel_scale()[c] == Approx(scale[c]).epsilon(1e-5));
    REQUIRE(channels.noisy_bias(0.1)[c] == Approx(bias[c]).margin(1e-5));
  }
}

TEST_CASE("an input that is quantized as it is has neither") {
  const Pairs pairs = make_pairs({1, 1, 1, 1}, {0, 0, 0, 0}, 50);
  ChannelAffine channels(4);
  channels.add(pairs.x, pairs.p);
  REQUIRE(channels.channel_scale().empty());
  REQUIRE(channels.noisy_bias(0.1).empty());
}
