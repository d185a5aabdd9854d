#pragma once

#include <functional>
#include <span>
#include <vector>

#include "nq/method.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/output_probe.hpp"

namespace nq {

/// N = mean + amplitude * draw, [c_in], rounded to float32 once.
std::vector<float> scaled_noise(std::span<const float> draw, double mean, double amplitude);

/// A one-dimensional family of noisy biases: candidate i is mean(i) + amplitude(i) * draw.
struct NoiseFamily {
  std::span<const float> draw;  ///< [c_in]
  int count = 0;
  int step = 1;  ///< coarse step of the search (see best_candidates)
  std::function<double(int)> mean;
  std::function<double(int)> amplitude;
};

/// Takes the candidate of the family with the smallest output error, ranked by `probe` and decided
/// by `meter`; the present noisy bias stays unless the measured loss falls.
void improve_noise(const LossMeter& meter, const OutputProbe& probe, const NoiseFamily& family, SiteFit& fit,
                   std::vector<double>& channel_mse);

}  // namespace nq
