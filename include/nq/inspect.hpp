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

/// The per-tensor quantizer that a value of a QDQ file went through.
struct ExistingQuantizer {
  int bits = 0;  ///< from the storage type, or from the Clip before QuantizeLinear
  DType type = DType::i8;
  double scale = 0;
  std::int64_t zero_point = 0;
};

/// Quantizers that a QDQ file already has around one linear layer.
struct ExistingQuantization {
  ExistingQuantizer activation;
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
  bool side_path = false;   ///< reads a few gathered channels: the float part of a quantized layer
  std::string skip_reason;  ///< why it is left float; empty when it is quantized
  std::optional<ExistingQuantization> existing;

  bool quantized() const noexcept { return skip_reason.empty(); }
};

/// One product of attention and what quantizing the model does with it.
struct InspectedProduct {
  std::string name;
  std::string origin;
  ProductRole role = ProductRole::scores;
  std::int64_t macs = 0;    ///< per batch of one
  std::string skip_reason;  ///< why it is left float; empty when it is quantized
  std::optional<ExistingQuantizer> left, right;  ///< what the file already has

  bool existing() const noexcept { return left && right; }
  bool quantized() const noexcept { return skip_reason.empty(); }
};

/// A structure that occurs in the network, such as "windowed attention".
struct ArchitecturePart {
  std::string name;
  std::int64_t count = 0;
};

/// What `calibrate` with its default options would need, before anything is measured.
struct CalibrationEstimate {
  std::int64_t macs_per_image = 0;     ///< of all linear layers, products of activations and convolutions
  std::uint64_t weight_bytes = 0;      ///< float weights as the plan packs them
  std::uint64_t arena_bytes = 0;       ///< activations, of all threads
  std::uint64_t sample_bytes = 0;      ///< sampled inputs of all layers, at most
  std::uint64_t search_bytes = 0;      ///< what the searches of layers, one per thread, take beyond the pass over the images
  std::uint64_t other_bytes = 0;       ///< the program, the model file and the images in flight
  std::uint64_t memory_bytes() const noexcept {
    return weight_bytes + arena_bytes + sample_bytes + search_bytes + other_bytes;
  }
  double forward_s_per_image = 0;      ///< at the speed of a product measured now, on all threads
  double search_s = 0;                 ///< of all layers, likewise; grows with neither images nor tokens
};

struct Inspection {
  std::vector<Endpoint> inputs;
  std::vector<Endpoint> outputs;
  std::map<std::string, std::int64_t> operators;  ///< count per operator, "domain.Type" outside ai.onnx
  std::vector<std::string> unsupported;           ///< nodes that cannot run; sites are empty then
  std::int64_t parameters = 0;            ///< elements of all floating-point constants of rank 1 or more
  std::vector<InspectedSite> sites;       ///< in execution order
  std::vector<InspectedProduct> products; ///< in execution order
  std::vector<RejectedProduct> rejected;  ///< products that are no linear layers, and why
  std::size_t arena_bytes = 0;            ///< activation memory of one inference at a batch of one
  std::optional<NoiseOverhead> noise;     ///< what the noisy biases of a quantized file cost
  std::string family;                     ///< kind of network, by its structure
  std::vector<ArchitecturePart> parts;    ///< structures found
  CalibrationEstimate estimate;
};

/// Reads what a model consists of, without running it. Throws Error(usage) on an invalid regex, or
/// when an input leaves a dimension other than the first open and `input_shape` does not fill it.
Inspection inspect(const ModelFile& model, const InspectOptions& options = {});

/// Which layers and products of a file are quantized and at how many bits, read from the file itself and printed with
/// every accuracy: "48 linear W6A6, 24 attention products A6, patch embedding W6A6, head W6A6; float: none".
std::string quantized_set_text(const Inspection& inspection);

}  // namespace nq
