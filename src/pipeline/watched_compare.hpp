#pragma once

#include "nq/compare.hpp"
#include "pipeline/layer_watch.hpp"

namespace nq {

/// compare() that lets `watch` see the layers of every image; null for nobody. The figures are the same.
Comparison compare_watched(const ModelFile& reference, const ModelFile& other, const std::vector<Sample>& images,
                           const Preprocess& preprocess, const CompareOptions& options, LayerWatch* watch,
                           Progress& progress);

}  // namespace nq
