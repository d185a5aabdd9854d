#include "pipeline/group_emitter.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/check.hpp"
#include "ops/onnx_dtype.hpp"
#include "pipeline/int16_offsets.hpp"
#include "pipeline/quantizer_emitter.hpp"
#include "pipeline/site_fit.hpp"
#include "quant/denoising.hpp"

namespace nq {
namespace {

using Ints = std::vector<std::int64_t>;

Tensor vector_tensor(const std::vector<float>& values, int rank = 1) {
  Shape shape;
  for (int axis = 1; axis < rank; ++axis) shape.push_back(1);
  shape.push_back(static_cast<std::int64_t>(values.size()));
  return Tensor::of(shape, values);
}

/// Values per output channel of a layer that writes y / scale.
std::vector<float> divided(std::vector<float> values, const OutputChange* change) {
  if (change != nullptr) std::transform(values.begin(), values.end(), change->scale.begin(), values.begin(), std::divides<>());
  return values;
}

Tensor ints_tensor(const Ints& values) { return Tensor::of(Shape{static_cast<std::int64_t>(values.size())}, values); }

}  // namespace

GroupEmitter::GroupEmitter(ModelEdit& edit, const TypedGraph& typed, const BoundGroup& bound,
                           const OutputChanges& changes, const EmitOptions& options)
    : edit_(edit), typed_(typed), group_(bound.group), recipes_(bound.recipes), changes_(changes), options_(options) {}

std::string GroupEmitter::insert(const std::string& before, const std::string& op, const std::string& base,
                                 std::vector<std::string> inputs, Attributes attributes, const std::string& doc) {
  NodeSpec node;
  node.op_type = op;
  node.name = edit_.unique_name(base);
  node.inputs = std::move(inputs);
  node.outputs = {edit_.unique_name(base + "_Output")};
  node.attributes = std::move(attributes);
  node.doc_string = doc;
  edit_.insert_before(before, node);
  return node.outputs.front();
}

/// A constant vector to add: float32, or int16 codes with one scale of their own, which runtimes fold into float32
/// where they have no int16 (opset 13 has no DequantizeLinear of int16).
std::string GroupEmitter::add_offset(const std::string& before, const std::string& base, const std::vector<float>& values,
                                     int rank) {
  NQ_CHECK(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }), input,
           "'{}' would hold numbers beyond float32: the offsets or scales of the layer are too large", base);
  const Tensor tensor = vector_tensor(values, rank);
  if (!options_.int16_offsets) return edit_.add_initializer(base, tensor);
  const float scale = int16_scale(values);
  const std::vector<std::int16_t> codes = int16_codes(values, scale);
  const std::string stored = edit_.add_initializer(base + "_int16", Tensor::of(tensor.shape(), codes));
  const std::string cast = insert(before, "Cast", base + "_Cast", {stored}, {{"to", std::int64_t{1}}});
  return insert(before, "Mul", base, {cast, edit_.add_initializer(base + "_scale", Tensor::scalar(scale))});
}

void GroupEmitter::emit() {
  const std::string quantized_x = emit_quantizer(edit_, anchor(), apply_affine(prepare_input()), shared().activation);
  for (std::size_t k = 0; k < group_.sites.size(); ++k) emit_site(group_.sites[k], *recipes_[k], quantized_x);
}

/// The group's input as float32 rows of c_in channels.
std::string GroupEmitter::prepare_input() {
  std::string x = edit_.input_name(anchor(), 0);
  // Scales keep float32 and runtimes their int8 kernels (docs/adr/0009); the model around stays as it is.
  if (!is_float32()) x = insert(anchor(), "Cast", x + "_float32", {x}, {{"to", onnx_float_code(DType::f32)}});
  if (group_.leader().kind == SiteKind::conv_patch) return gather_patches(x);
  if (!group_.leader().x_transposed) return x;
  return insert(anchor(), "Transpose", x + "_rows", {x}, {{"perm", Ints{1, 0}}});
}

/// [N, C, H, W] -> [N, patches, C * kernel_h * kernel_w]; 0 keeps the batch dimension, so the form
/// serves static and dynamic batch.
std::string GroupEmitter::gather_patches(const std::string& x) {
  const Shape& image = typed_.type(group_.x).shape;
  const Shape& kernel = group_.leader().weight.shape();
  const std::int64_t grid_h = image[2] / kernel[2];
  const std::int64_t grid_w = image[3] / kernel[3];
  const std::string split = edit_.add_initializer(
      x + "_patch_grid", ints_tensor({0, image[1], grid_h, kernel[2], grid_w, kernel[3]}));
  const std::string merge =
      edit_.add_initializer(x + "_patch_rows", ints_tensor({0, grid_h * grid_w, group_.c_in()}));
  const std::string tiles = insert(anchor(), "Reshape", x + "_patch_split", {x, split});
  const std::string moved =
      insert(anchor(), "Transpose", x + "_patch_order", {tiles}, {{"perm", Ints{0, 2, 4, 1, 3, 5}}});
  return insert(anchor(), "Reshape", x + "_patch_merge", {moved, merge});
}

void GroupEmitter::fold_into(const AffineFold& fold, const std::vector<float>& noise) {
  const std::vector<float>& channel_scale = shared().channel_scale;
  std::vector<float> shift = fold.shift;
  std::vector<float> scale = fold.scale;
  for (std::size_t channel = 0; channel < shift.size(); ++channel) {
    if (!channel_scale.empty()) {
      shift[channel] /= channel_scale[channel];
      scale[channel] /= channel_scale[channel];
    }
    if (!noise.empty()) shift[channel] += noise[channel];
  }
  const auto rewrite = [&](const std::string& origin, int input, const std::vector<float>& values, const char* role) {
    const std::string old_name = edit_.input_name(origin, input);
    const std::string base = old_name.empty() ? origin + "_" + role : old_name + "_noisy";
    edit_.set_input(origin, input, edit_.add_initializer(base, vector_tensor(values)));
  };
  rewrite(fold.shift_origin, fold.shift_input, shift, "bias");
  if (!channel_scale.empty()) rewrite(fold.scale_origin, fold.scale_input, scale, "scale");
}

/// Brings x to x / channel_scale + noisy_bias: folded where exact, else by a Mul and an Add.
std::string GroupEmitter::apply_affine(std::string x) {
  const std::vector<float>& channel_scale = shared().channel_scale;
  const std::vector<float> noise = emitted_noise(shared());
  const std::string base = x;
  raw_x_ = x;
  if (channel_scale.empty() && noise.empty()) return x;
  if (changes_.served.contains(anchor())) return x;
  const auto fold = find_affine_fold(typed_, group_);
  const bool can_fold = fold && (channel_scale.empty() || !fold->scale_origin.empty());
  if (can_fold && (options_.fold_noise || !channel_scale.empty())) {
    fold_into(*fold, noise);
    return x;
  }
  if (!channel_scale.empty()) {
    std::vector<float> reciprocal(channel_scale.size());
    std::transform(channel_scale.begin(), channel_scale.end(), reciprocal.begin(),
                   [](float scale) { return 1.0F / scale; });
    x = insert(anchor(), "Mul", base + "_channel_scale",
               {x, edit_.add_initializer(base + "_channel_reciprocal", vector_tensor(reciprocal))});
    raw_x_ = x;
  }
  if (noise.empty()) return x;
  return insert(anchor(), "Add", base + "_noise", {x, add_offset(anchor(), base + "_noisy_bias", noise, 1)});
}

/// The codes as int8, above 8 bits as int16. Runtimes fold the Cast of int4 ones when they load the file and keep their int8 kernels, which
/// a DequantizeLinear of int4 would cost (docs/adr/0015).
std::string GroupEmitter::add_codes(const LinearSite& site, const SiteRecipe& recipe,
                                    const std::vector<WeightCode>& codes) {
  const std::string base = edit_.input_name(site.origin, 1) + "_quantized";
  const Shape shape{site.c_in, site.c_out};
  if (recipe.weight.bits > 8) return edit_.add_initializer(base, Tensor::of(shape, std::vector<std::int16_t>(codes)));
  if (!options_.int4_weights || recipe.weight.bits > kInt4Bits) {
    return edit_.add_initializer(base, Tensor::of(shape, std::vector<std::int8_t>(codes.begin(), codes.end())));
  }
  Tensor stored(TensorType{DType::i4, shape});
  std::copy(codes.begin(), codes.end(), reinterpret_cast<std::int8_t*>(stored.mutable_data()));
  return insert(site.origin, "Cast", base, {edit_.add_initializer(base + "_int4", stored)}, {{"to", std::int64_t{3}}});
}

std::string GroupEmitter::emit_weight(const LinearSite& site, const SiteRecipe& recipe,
                                      const std::vector<WeightCode>& codes) {
  const std::string base = edit_.input_name(site.origin, 1);
  const std::string quantized = add_codes(site, recipe, codes);
  const std::string scale =
      edit_.add_initializer(base + "_scale", vector_tensor(divided(recipe.weight.scale, changes_.of(site.origin))));
  const Tensor zeros(TensorType{recipe.weight.bits > 8 ? DType::i16 : DType::i8, Shape{site.c_out}});
  const std::string zero = edit_.add_initializer(base + "_zero_point", zeros);
  return insert(site.origin, "DequantizeLinear", base + "_DequantizeLinear", {quantized, scale, zero},
                {{"axis", std::int64_t{1}}}, fmt::format("nqcli weight bits={}", recipe.weight.bits));
}

/// Gather the outlier channels and multiply them in float; empty when there are none.
std::string GroupEmitter::emit_side_path(const LinearSite& site, const SiteRecipe& recipe) {
  if (recipe.outlier_channels.empty()) return {};
  const std::vector<float> matrix = site.weight_matrix();
  std::vector<float> rows;
  Ints channels;
  for (const std::int32_t channel : recipe.outlier_channels) {
    channels.push_back(channel);
    const float factor = recipe.channel_scale.empty() ? 1.0F : recipe.channel_scale[static_cast<std::size_t>(channel)];
    std::vector<float> row(matrix.begin() + channel * site.c_out, matrix.begin() + (channel + 1) * site.c_out);
    for (float& value : row) value *= factor;
    row = divided(std::move(row), changes_.of(site.origin));
    rows.insert(rows.end(), row.begin(), row.end());
  }
  const std::string base = edit_.node_name(site.origin);
  const auto count = static_cast<std::int64_t>(channels.size());
  const std::string indices = edit_.add_initializer(base + "_outlier_channels", ints_tensor(channels));
  const std::string weight = edit_.add_initializer(base + "_outlier_weight", Tensor::of(Shape{count, site.c_out}, rows));
  const std::string columns =
      insert(site.origin, "Gather", base + "_outlier_gather", {raw_x_, indices}, {{"axis", std::int64_t{-1}}});
  return insert(site.origin, "MatMul", base + "_outlier_matmul", {columns, weight});
}

void GroupEmitter::emit_site(const LinearSite& site, const SiteRecipe& recipe, const std::string& quantized_x) {
  const SiteFit fit = site_fit(site, recipe);
  const std::vector<float> zeros(static_cast<std::size_t>(site.c_out), 0.0F);
  const OutputChange* change = changes_.of(site.origin);
  std::vector<float> bias = divided(denoising_bias(site.bias ? *site.bias : zeros, fit), change);
  if (change != nullptr) std::transform(bias.begin(), bias.end(), change->shift.begin(), bias.begin(), std::plus<>());
  const bool bias_needed = site.bias || !fit.noisy_bias.empty() || !fit.bias_correction.empty() || change != nullptr;
  const std::string weight = emit_weight(site, recipe, fit.weight_codes);
  const std::string side = emit_side_path(site, recipe);
  if (site.kind == SiteKind::conv_patch) emit_patches(site, quantized_x, weight, side, bias);
  else if (site.input_rank > 2) emit_matmul(site, quantized_x, weight, side, bias, bias_needed);
  else emit_gemm(site, quantized_x, weight, side, bias);
  if (!is_float32()) restore_type(site);
}

bool GroupEmitter::is_float32() const { return typed_.type(group_.x).dtype == DType::f32; }

/// Casts the layer's result back to the model's own type under the name that its readers know.
void GroupEmitter::restore_type(const LinearSite& site) {
  const std::string last = site.bias_node ? typed_.graph.node(*site.bias_node).origin : site.origin;
  const std::string base = edit_.node_name(last);
  NodeSpec cast;
  cast.op_type = "Cast";
  cast.name = edit_.unique_name(base + "_Cast");
  cast.inputs = {edit_.unique_name(last + "_float32")};
  cast.outputs = {last};
  cast.attributes["to"] = onnx_float_code(typed_.type(group_.x).dtype);
  edit_.rename_output(last, cast.inputs.front());
  edit_.insert_after(cast.inputs.front(), cast);
  // The product in front of the user's own Add is float32 now.
  if (site.bias_node) edit_.drop_declared_type(site.origin);
}

void GroupEmitter::emit_matmul(const LinearSite& site, const std::string& x, const std::string& weight,
                               const std::string& side, const std::vector<float>& bias, bool bias_needed) {
  const std::string base = edit_.node_name(site.origin);
  std::string product = site.origin;
  edit_.set_input(product, 0, x);
  edit_.set_input(product, 1, weight);
  const auto append_add = [&](const std::string& other, const std::string& suffix) {
    // The result keeps the name that its readers know; the product gets a new one.
    const std::string inner = edit_.unique_name(product + suffix);
    edit_.rename_output(product, inner);
    NodeSpec add;
    add.op_type = "Add";
    add.name = edit_.unique_name(base + suffix);
    add.inputs = {inner, other};
    add.outputs = {product};
    edit_.insert_after(inner, add);
  };
  if (!side.empty()) append_add(side, "_outlier_add");
  if (!bias_needed) return;
  const std::string bias_name = add_offset(site.origin, base + "_denoising_bias", bias, 3);
  if (site.bias_node) edit_.set_input(typed_.graph.node(*site.bias_node).origin, site.bias_input, bias_name);
  else append_add(bias_name, "_bias_add");
}

void GroupEmitter::emit_gemm(const LinearSite& site, const std::string& x, const std::string& weight,
                             const std::string& side, const std::vector<float>& bias) {
  const std::string base = edit_.node_name(site.origin);
  const std::string bias_name = add_offset(site.origin, base + "_denoising_bias", bias, 1);
  std::vector<NodeSpec> chain(1);
  chain[0].op_type = "Gemm";
  chain[0].name = base;
  chain[0].inputs = {x, weight};
  const auto append_add = [&](const std::string& other, const std::string& suffix) {
    chain.back().outputs = {edit_.unique_name(site.origin + (chain.size() == 1 ? "_product" : "_outlier_add"))};
    NodeSpec add;
    add.op_type = "Add";
    add.name = edit_.unique_name(base + suffix);
    add.inputs = {chain.back().outputs.front(), other};
    chain.push_back(std::move(add));
  };
  if (!side.empty()) append_add(side, "_outlier_add");
  // The user's own Add follows the product and takes the new bias; else one is appended.
  if (site.bias_node) edit_.set_input(typed_.graph.node(*site.bias_node).origin, site.bias_input, bias_name);
  else append_add(bias_name, "_bias_add");
  // The result keeps the name that its readers know.
  chain.back().outputs = {site.origin};
  for (std::size_t k = 0; k + 1 < chain.size(); ++k) edit_.insert_before(site.origin, chain[k]);
  edit_.replace_node(site.origin, chain.back());
}

/// The convolution becomes a product over patch rows, brought back to [N, c_out, rows, columns].
void GroupEmitter::emit_patches(const LinearSite& site, const std::string& x, const std::string& weight,
                                const std::string& side, const std::vector<float>& bias) {
  const std::string base = edit_.node_name(site.origin);
  const Shape& image = typed_.type(group_.x).shape;
  const Shape& kernel = site.weight.shape();
  std::string value = insert(site.origin, "MatMul", base + "_MatMul", {x, weight});
  if (!side.empty()) value = insert(site.origin, "Add", base + "_outlier_add", {value, side});
  const std::string bias_name = add_offset(site.origin, base + "_denoising_bias", bias, 3);
  value = insert(site.origin, "Add", base + "_bias_add", {value, bias_name});
  value = insert(site.origin, "Transpose", base + "_channels_first", {value}, {{"perm", Ints{0, 2, 1}}});
  NodeSpec reshape;
  reshape.op_type = "Reshape";
  reshape.name = base;
  reshape.inputs = {value, edit_.add_initializer(base + "_output_shape",
                                                 ints_tensor({0, site.c_out, image[2] / kernel[2], image[3] / kernel[3]}))};
  reshape.outputs = {site.origin};
  edit_.replace_node(site.origin, reshape);
}

}  // namespace nq
