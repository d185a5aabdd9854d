#include <algorithm>
#include <cstring>
#include <set>

#include "core/check.hpp"
#include "core/file_mapping.hpp"
#include "nq/linear_site.hpp"
#include "graph/graph_walk.hpp"

namespace nq {
namespace {

/// The constant as float32 [count], when all its axes but the last have length 1.
std::optional<std::vector<float>> vector_constant(const Tensor* constant, std::int64_t count) {
  if (constant == nullptr || !is_float(constant->dtype()) || constant->elements() != count) return std::nullopt;
  const Shape& shape = constant->shape();
  if (shape.rank() == 0 || shape.back() != count) return std::nullopt;
  return to_vector<float>(constant->view());
}

bool pads_nothing(const std::string& auto_pad) { return auto_pad == "NOTSET" || auto_pad == "VALID"; }

Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return tensor;
  return Tensor::of(tensor.shape(), to_vector<float>(tensor.view()));
}

class SiteFinder {
 public:
  explicit SiteFinder(const TypedGraph& typed)
      : typed_(typed), graph_(typed.graph), uses_(graph_.uses()), downstream_(downstream_of(graph_)),
        upstream_product_(has_upstream_product(graph_)) {}

  SiteSearch run() {
    result_.attention = find_attention_sites(typed_);
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      if (!is_product(node) || is_attention(id)) continue;
      std::string reason;
      std::optional<LinearSite> site = match(node, reason);
      if (site) result_.sites.push_back(std::move(*site));
      else result_.rejected.push_back({node.display_name(), reason});
    }
    return std::move(result_);
  }

 private:
  bool is_attention(NodeId id) const {
    return std::any_of(result_.attention.begin(), result_.attention.end(), [id](const AttentionSite& site) {
      return site.scores.node == id || site.values.node == id;
    });
  }

  std::optional<LinearSite> match(const Node& node, std::string& reason) {
    LinearSite site;
    site.name = node.display_name();
    site.origin = node.origin;
    site.node = node.id;
    site.x = node.inputs.at(0);
    reason = node.op_type == "MatMul" ? match_matmul(node, site)
             : node.op_type == "Gemm" ? match_gemm(node, site)
                                      : match_conv(node, site);
    if (reason.empty() && node.origin.empty()) reason = "it lies in a branch of If";
    if (!reason.empty()) return std::nullopt;
    site.input_rank = typed_.type(site.x).shape.rank();
    site.input_from = describe_origin(typed_, site.x);
    site.role = role_of(site);
    return site;
  }

  std::string check_weight(const Node& node, const Tensor*& weight, int rank) {
    weight = node.inputs.size() > 1 ? graph_.constant(node.inputs[1]) : nullptr;
    if (graph_.constant(node.inputs[0]) != nullptr) return "its left operand is the constant";
    if (weight == nullptr) return "both operands are activations";
    if (!is_float(weight->dtype())) return "its weight is not floating point";
    if (weight->elements() == 0) return "its weight is empty";
    if (weight->shape().rank() != rank) return fmt::format("its weight has rank {}", weight->shape().rank());
    return {};
  }

  /// Rank that a MatMul's weight may have: a matrix, in front of it axes of length 1 that add no axis to the product.
  int unbatched_rank(const Node& node, int x_rank) const {
    const Tensor* weight = graph_.constant(node.inputs[1]);
    if (weight == nullptr || weight->shape().rank() > x_rank) return 2;
    const Shape& shape = weight->shape();
    for (int axis = 0; axis < shape.rank() - 2; ++axis) {
      if (shape[axis] != 1) return 2;
    }
    return std::max(2, shape.rank());
  }

  std::string match_matmul(const Node& node, LinearSite& site) {
    const Tensor* weight = nullptr;
    const Shape& x_shape = typed_.type(site.x).shape;
    if (std::string reason = check_weight(node, weight, unbatched_rank(node, x_shape.rank())); !reason.empty()) return reason;
    if (x_shape.rank() < 2) return "its input is a vector";
    const int rank = weight->shape().rank();
    site.kind = SiteKind::matmul;
    site.c_in = weight->shape()[rank - 2];
    site.c_out = weight->shape()[rank - 1];
    site.weight = as_f32(*weight).reshaped({site.c_in, site.c_out});
    site.tokens = x_shape.elements() / std::max<std::int64_t>(1, site.c_in);
    find_bias_add(node, site);
    return {};
  }

  /// The Add of a constant vector that is the product's only reader.
  void find_bias_add(const Node& node, LinearSite& site) {
    const ValueId product = node.outputs.front();
    const auto& readers = uses_[static_cast<std::size_t>(product.index)];
    if (readers.size() != 1 || graph_.is_graph_output(product)) return;
    const Node& add = graph_.node(readers.front());
    if (add.op_type != "Add" || !add.domain.empty() || add.inputs.size() != 2 || add.origin.empty()) return;
    const int bias_input = add.inputs[0] == product ? 1 : 0;
    const ValueId bias = add.inputs[static_cast<std::size_t>(bias_input)];
    site.bias = vector_constant(graph_.constant(bias), site.c_out);
    // A bias of higher rank than the product would change the output's rank.
    if (!site.bias || graph_.constant(bias)->shape().rank() > typed_.type(product).shape.rank()) {
      site.bias.reset();
      return;
    }
    site.bias_node = add.id;
    site.bias_input = bias_input;
  }

  std::string match_gemm(const Node& node, LinearSite& site) {
    const Tensor* weight = nullptr;
    if (std::string reason = check_weight(node, weight, 2); !reason.empty()) return reason;
    site.kind = SiteKind::gemm;
    site.weight = as_f32(*weight);
    site.weight_transposed = attr_int(node, "transB", 0) != 0;
    site.x_transposed = attr_int(node, "transA", 0) != 0;
    site.alpha = attr_float(node, "alpha", 1.0F);
    site.c_in = weight->shape()[site.weight_transposed ? 1 : 0];
    site.c_out = weight->shape()[site.weight_transposed ? 0 : 1];
    site.tokens = typed_.type(site.x).shape[site.x_transposed ? 1 : 0];
    if (node.inputs.size() < 3 || !node.inputs[2].valid()) return {};
    const Tensor* bias = graph_.constant(node.inputs[2]);
    if (bias == nullptr) return "its addend is an activation";
    site.bias = vector_constant(bias, site.c_out);
    if (!site.bias && bias->elements() == 1) {
      site.bias = std::vector<float>(static_cast<std::size_t>(site.c_out), to_vector<float>(bias->view())[0]);
    }
    if (!site.bias) return "its addend is not one value per output channel";
    const float beta = attr_float(node, "beta", 1.0F);
    for (float& value : *site.bias) value *= beta;
    site.bias_input = 2;
    return {};
  }

  std::string match_conv(const Node& node, LinearSite& site) {
    const Tensor* weight = nullptr;
    if (std::string reason = check_weight(node, weight, 4); !reason.empty()) return reason;
    const Shape& kernel = weight->shape();
    const auto all_equal = [&node](const char* name, std::int64_t value) {
      const auto list = attr_ints(node, name);
      return std::all_of(list.begin(), list.end(), [value](std::int64_t item) { return item == value; });
    };
    const std::vector<std::int64_t> strides =
        has_attr(node, "strides") ? attr_ints(node, "strides") : std::vector<std::int64_t>{1, 1};
    const bool patches = strides.size() == 2 && strides[0] == kernel[2] && strides[1] == kernel[3] &&
                         attr_int(node, "group", 1) == 1 && all_equal("pads", 0) && all_equal("dilations", 1) &&
                         pads_nothing(attr_string(node, "auto_pad", "NOTSET"));
    if (!patches) return "a convolution whose windows overlap is not a linear layer over patches";
    const Shape& image = typed_.type(site.x).shape;
    if (image[2] % kernel[2] != 0 || image[3] % kernel[3] != 0) return "its patches do not tile the image";
    site.kind = SiteKind::conv_patch;
    site.weight = as_f32(*weight);
    site.weight_transposed = true;
    site.c_in = kernel[1] * kernel[2] * kernel[3];
    site.c_out = kernel[0];
    site.tokens = image[0] * (image[2] / kernel[2]) * (image[3] / kernel[3]);
    if (node.inputs.size() < 3 || !node.inputs[2].valid()) return {};
    site.bias = vector_constant(graph_.constant(node.inputs[2]), site.c_out);
    if (!site.bias) return "its bias is not a constant";
    site.bias_input = 2;
    return {};
  }

  SiteRole role_of(const LinearSite& site) const {
    const bool first = !upstream_product_[static_cast<std::size_t>(site.x.index)];
    if (first && (site.kind == SiteKind::conv_patch || reads_patches(site.x))) return SiteRole::patch_embed;
    const Node& last = graph_.node(site.bias_node.value_or(site.node));
    const Downstream& below = downstream_[static_cast<std::size_t>(last.outputs.front().index)];
    return below.product || below.normalization ? SiteRole::block : SiteRole::head;
  }

  /// Rows that were cut from an image by reshapes around a Transpose, as a quantized patch embedding
  /// reads them.
  bool reads_patches(ValueId value) const {
    bool moved = false;
    while (graph_.value(value).producer.valid()) {
      const Node& node = graph_.node(graph_.value(value).producer);
      static const std::set<std::string, std::less<>> kSteps = {"Reshape", "Transpose", "Clip", "QuantizeLinear",
                                                                "DequantizeLinear", "Add", "Mul", "Identity"};
      const bool passes = node.domain.empty() && kSteps.contains(node.op_type) && graph_.constant(node.inputs[0]) == nullptr;
      if (!passes) return false;
      moved = moved || node.op_type == "Transpose";
      value = node.inputs[0];
    }
    return moved && typed_.type(value).shape.rank() == 4;
  }

  const TypedGraph& typed_;
  const Graph& graph_;
  std::vector<std::vector<NodeId>> uses_;
  std::vector<Downstream> downstream_;
  std::vector<bool> upstream_product_;
  SiteSearch result_;
};

}  // namespace

std::string_view to_string(SiteKind kind) noexcept {
  switch (kind) {
    case SiteKind::matmul: return "matmul";
    case SiteKind::gemm: return "gemm";
    case SiteKind::conv_patch: return "conv_patch";
  }
  return "matmul";
}

std::string_view to_string(SiteRole role) noexcept {
  switch (role) {
    case SiteRole::block: return "block";
    case SiteRole::patch_embed: return "patch_embed";
    case SiteRole::head: return "head";
  }
  return "block";
}

std::vector<float> LinearSite::weight_matrix() const {
  const auto stored = weight.span<float>();
  std::vector<float> matrix(stored.size());
  for (std::int64_t in = 0; in < c_in; ++in) {
    for (std::int64_t out = 0; out < c_out; ++out) {
      const std::int64_t at = weight_transposed ? out * c_in + in : in * c_out + out;
      matrix[static_cast<std::size_t>(in * c_out + out)] = alpha * stored[static_cast<std::size_t>(at)];
    }
  }
  forget_file_pages({weight.data(), weight.bytes()});
  return matrix;
}

std::vector<float> LinearSite::input_rows(const TensorView& x_value) const {
  const std::vector<float> values = to_vector<float>(x_value);
  if (kind != SiteKind::conv_patch && !x_transposed) return values;
  std::vector<float> rows(values.size());
  const Shape& shape = x_value.shape();
  if (x_transposed) {
    const std::int64_t count = shape[1];
    for (std::int64_t in = 0; in < c_in; ++in) {
      for (std::int64_t row = 0; row < count; ++row) {
        rows[static_cast<std::size_t>(row * c_in + in)] = values[static_cast<std::size_t>(in * count + row)];
      }
    }
    return rows;
  }
  const std::int64_t kernel_h = weight.shape()[2];
  const std::int64_t kernel_w = weight.shape()[3];
  const std::int64_t grid_h = shape[2] / kernel_h;
  const std::int64_t grid_w = shape[3] / kernel_w;
  for (std::int64_t line = 0; line < shape[0] * shape[1] * shape[2]; ++line) {
    const std::int64_t image = line / (shape[1] * shape[2]);
    const std::int64_t channel = line / shape[2] % shape[1];
    const std::int64_t y = line % shape[2];
    for (std::int64_t column = 0; column < grid_w; ++column) {
      const std::int64_t row = (image * grid_h + y / kernel_h) * grid_w + column;
      const std::int64_t at = (channel * kernel_h + y % kernel_h) * kernel_w;
      std::memcpy(&rows[static_cast<std::size_t>(row * c_in + at)],
                  &values[static_cast<std::size_t>(line * shape[3] + column * kernel_w)],
                  static_cast<std::size_t>(kernel_w) * sizeof(float));
    }
  }
  return rows;
}

SiteSearch find_linear_sites(const TypedGraph& graph) { return SiteFinder(graph).run(); }

}  // namespace nq
