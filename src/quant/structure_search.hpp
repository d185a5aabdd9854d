#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nq/method.hpp"

namespace nq {

/// How a site's quantized product is laid out before scales are searched.
struct SiteStructure {
  std::vector<float> channel_scale;            ///< [c_in] or empty
  std::vector<std::int32_t> outlier_channels;  ///< ascending
};

/// Chooses channel scale and outlier channels of a site by the output error, after bias
/// correction, that the joint search reaches on rows it did not see.
///
/// Channel scales are powers 1/4, 1/2, 3/4 and 1 of the channel ranges, where the site allows
/// them; each is judged with weights rounded at the requested bits, so what it costs the weights
/// counts. Outlier channels are the widest 1, 2, 4 and 8 of those wider than three times the
/// median; more are taken only while the error falls by a stated factor, since each costs run
/// time.
SiteStructure search_structure(const SiteInput& site, const MethodOptions& options);

/// Float work as a share of a layer's multiply-accumulates: outlier channels, and `passes` over its input (a Mul, an Add).
double float_share(const SiteInput& site, std::size_t outliers, int passes);

}  // namespace nq
