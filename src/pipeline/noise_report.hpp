#pragma once

#include <optional>
#include <vector>

#include "nq/linear_site.hpp"
#include "nq/model_file.hpp"
#include "nq/overhead.hpp"

namespace nq {

/// The overhead of the noisy biases of a quantized file, from its quantized layers. Nothing when it has none: no
/// Add in front of a quantizer, and no record of a method that draws them.
std::optional<NoiseOverhead> noise_report(const ModelFile& model, const TypedGraph& typed,
                                          const std::vector<LinearSite>& quantized, std::int64_t float_parameters);

}  // namespace nq
