#include "target_check.hpp"

#include <fmt/format.h>

#include "nq/error.hpp"
#include "nq/verify.hpp"

namespace nq {

void fit_for_target(const std::string& target, const std::string& noise_dtype, bool int4_weights, MethodOptions& fit) {
  if (target.empty()) return;
  const Target chosen = target_from(target);
  if (chosen != Target::tensorrt && chosen != Target::portable) return;
  if (noise_dtype == "int16") {
    throw Error(ErrorKind::usage, fmt::format("--noise-dtype int16 makes int16 constants, which --target {} does not take", target));
  }
  if (int4_weights) {
    throw Error(ErrorKind::usage, fmt::format("--weight-storage int4 puts a Cast behind the weights, which --target {} does not take", target));
  }
  if (fit.activation == ActivationRange::automatic) fit.activation = ActivationRange::symmetric;
  if (fit.symmetric()) return;
  throw Error(ErrorKind::usage,
              fmt::format("--activation asymmetric makes uint8 codes with zero points, which --target {} does not take", target),
              "--activation symmetric, or --target ort-cpu or openvino");
}

void check_written_for(const std::string& target, const std::filesystem::path& path) {
  if (target.empty()) return;
  const Verification result = verify(ModelFile::load(path), target_from(target));
  if (result.passed()) return;
  std::string text = fmt::format("the file is not what --target {} needs", target);
  for (const ProductVerdict& product : result.products) {
    if (product.quantized && !product.int8_kernel) text += fmt::format("; '{}' stays float, because {}", product.name, product.reason);
  }
  for (const Finding& finding : result.findings) {
    if (finding.severity == Severity::error) text += fmt::format("; '{}': {}", finding.node, finding.message);
  }
  throw Error(ErrorKind::gate, text);
}

}  // namespace nq
