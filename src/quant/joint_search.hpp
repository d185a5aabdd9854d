#pragma once

#include <vector>

#include "nq/method.hpp"
#include "quant/offset_search.hpp"

namespace nq {

/// An activation scale with the noisy bias that goes with it, and the predicted loss
/// sum_c H_cc Var(e_c) / c_out.
struct JointChoice {
  float scale = 0;
  std::vector<float> noisy_bias;
  double predicted = 0;
};

/// Searches activation scale and per-channel noisy bias together under the variance objective:
/// scales from the widest channel's range downwards, the best noisy bias of every channel at each
/// (channels decouple), then finer around the best. Returns the `keep` best, best first.
/// `params` gives bits and zero point; its scale is not read.
std::vector<JointChoice> joint_search(const SiteInput& site, const ChannelSamples& samples,
                                      const QuantParams& params, int keep);

}  // namespace nq
