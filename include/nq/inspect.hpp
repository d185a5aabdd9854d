#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nq/calibrate.hpp"
#include "nq/linear_site.hpp"
#include "nq/model_file.hpp"
#include "nq/overhead.hpp"

namespace nq {

struct InspectOptions {
  SiteSelection selection;           ///< what calibrate would be asked to quantize
  std::optional<Shape> input_shape;  ///< fills input dimensions that the model leaves open
};

/// Name and declared type of a graph input or output.
struct Endpoint {
  std::string name;
  DeclaredType type;
};

/// Quantizers that a QDQ file already has around one linear layer.
struct ExistingQuantization {
  int activation_bits = 0;  ///< from the storage type, or from the Clip before QuantizeLinear
  DType activation_type = DType::i8;
  double activation_scale = 0;
  std::int64_t activation_zero_point = 0;
  int weight_bits = 0;  ///< fewest signed bits that hold every stored code
  double weight_scale_min = 0;
  double weight_scale_max = 0;
  std::int64_t weight_scales = 0;  ///< 1 per tensor, c_out per channel
};

/// One linear layer and what quantizing the model does with it.
struct InspectedSite {
  std::string name;
  std::string origin;
  SiteKind kind = SiteKind::matmul;
  SiteRole role = SiteRole::block;
  std::string input_from;  ///< operator that feeds the layer
  std::int64_t c_in = 0;
  std::int64_t c_out = 0;
  std::int64_t tokens = 0;  ///< rows per batch of one
  bool has_bias = false;
  std::int64_t parameters = 0;
  std::int64_t macs = 0;    ///< multiply-accumulate operations per batch of one
  std::string skip_reason;  ///< why it is left float; empty when it is quantized
  std::optional<ExistingQuantization> existing;

  bool quantized() const noexcept { return skip_reason.empty(); }
};

struct Inspection {
  std::vector<Endpoint> inputs;
  std::vector<Endpoint> outputs;
  std::map<std::string, std::int64_t> operators;  ///< count per operator, "domain.Type" outside ai.onnx
  std::vector<std::string> unsupported;           ///< nodes that cannot run; sites are empty then
  std::int64_t parameters = 0;            ///< elements of all floating-point constants of rank 1 or more
  std::vector<InspectedSite> sites;       ///< in execution order
  std::vector<RejectedProduct> rejected;  ///< products that are no linear layers, and why
  std::size_t arena_bytes = 0;            ///< activation memory of one inference at a batch of one
  std::optional<NoiseOverhead> noise;     ///< what the noisy biases of a quantized file cost
};

/// Reads what a model consists of, without running it. Throws Error(usage) on an invalid regex, or
/// when an input leaves a dimension other than the first open and `input_shape` does not fill it.
Inspection inspect(const ModelFile& model, const InspectOptions& options = {});

}  // namespace nq
