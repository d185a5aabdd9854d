#pragma once

#include <filesystem>
#include <string>

namespace nq {

/// What the installed ONNX Runtime answered.
struct OnnxRuntimeAnswer {
  bool available = false;
  std::string version;
  std::string reason;  ///< why there is no answer
};

/// Asks the ONNX Runtime of a Python (environment variable NQ_PYTHON, else python3), in a process of its own, to
/// write its optimized graph of `model` to `optimized`. Never throws for what that process does.
OnnxRuntimeAnswer optimize_with_onnxruntime(const std::filesystem::path& model, const std::filesystem::path& optimized);

}  // namespace nq
