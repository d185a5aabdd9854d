#pragma once

#include <vector>

#include "nq/method.hpp"

namespace nq {

/// The quantizer of a site's input and the noisy bias that goes with it.
struct ActivationChoice {
  QuantParams activation;
  std::vector<float> noisy_bias;  ///< N, [c_in]; empty for none
};

/// Chooses by the error on `held_out` among what is fitted on `fitting`: scales with a noisy bias (joint_search), scales
/// without one, which suit a few long-tailed inputs, and with ActivationRange::automatic zero_points where a noisy bias would
/// cost an Add. Such a noisy bias must earn its Add, which counts against MethodOptions::max_overhead. `rounded` has the
/// weights and, in its activation, the widest quantizer.
ActivationChoice choose_activation(const SiteInput& fitting, const SiteInput& held_out, const SiteFit& rounded,
                                   const MethodOptions& options);

}  // namespace nq
