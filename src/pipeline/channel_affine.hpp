#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nq {

/// Finds what a model does to every input channel before it quantizes, p = x / channel_scale + N, from pairs (x, p).
class ChannelAffine {
 public:
  explicit ChannelAffine(std::int64_t channels) : sums_(static_cast<std::size_t>(channels)) {}

  /// x and p: rows of as many values as there are channels.
  void add(std::span<const float> x, std::span<const float> p);

  /// N, [channels]; empty when no channel is moved by more than a ten-thousandth of `step`.
  std::vector<float> noisy_bias(double step) const;
  /// [channels]; empty when no channel is scaled.
  std::vector<float> channel_scale() const;

 private:
  struct Sums {
    double n = 0, x = 0, p = 0, xx = 0, xp = 0;
  };
  static double slope(const Sums& sums);
  bool is_scaled() const;

  std::vector<Sums> sums_;
};

}  // namespace nq
