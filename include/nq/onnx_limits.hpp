#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nq/model_file.hpp"

namespace nq {

/// One thing of the ONNX standard that nqcli leaves out on purpose, and why.
struct OnnxLimit {
  std::string_view feature;  ///< operator name or element type
  std::string_view reason;
};

/// The one table of deliberate limits; docs/onnx_support.md is generated from it.
std::span<const OnnxLimit> onnx_limits();

/// Limits that a model runs into: operators and element types it uses. Empty when none.
std::vector<OnnxLimit> limits_of(const ModelFile& model);

}  // namespace nq
