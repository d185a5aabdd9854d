#pragma once

#include <span>

namespace nq {

/// How two vectors of logits differ; sums in double, in index order.
struct LogitDistance {
  double squared_difference = 0;  ///< sum over classes
  double squared_reference = 0;   ///< sum over classes
  double cosine = 0;              ///< 1 for equal directions; of two zero vectors 1
  double kl = 0;                  ///< KL(softmax(reference) || softmax(other)), nats
};

LogitDistance logit_distance(std::span<const float> reference, std::span<const float> other);

/// sum |reference|^2 and sum |other - reference|^2.
struct SignalAndNoise {
  double signal = 0;
  double noise = 0;

  void add(std::span<const float> reference, std::span<const float> other);
  void add(const SignalAndNoise& more) {
    signal += more.signal;
    noise += more.noise;
  }
  /// 10 log10(signal / noise); infinite without noise.
  double sqnr_db() const;
};

}  // namespace nq
