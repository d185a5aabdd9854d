#include "pipeline/existing_quantization.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipeline/qdq_product.hpp"

namespace nq {
namespace {

const Node* producer(const Graph& graph, ValueId id, std::string_view type) {
  if (!id.valid() || graph.constant(id) != nullptr || !graph.value(id).producer.valid()) return nullptr;
  const Node& node = graph.node(graph.value(id).producer);
  return node.op_type == type && node.domain.empty() ? &node : nullptr;
}

const Tensor* constant_input(const Graph& graph, const Node& node, std::size_t slot) {
  return slot < node.inputs.size() && node.inputs[slot].valid() ? graph.constant(node.inputs[slot]) : nullptr;
}

std::optional<double> scalar_input(const Graph& graph, const Node& node, std::size_t slot) {
  const Tensor* constant = constant_input(graph, node, slot);
  if (constant == nullptr || constant->elements() != 1) return std::nullopt;
  return to_vector<double>(constant->view()).front();
}

int storage_bits(DType dtype) {
  if (dtype == DType::i4 || dtype == DType::u4) return 4;
  return static_cast<int>(element_bytes(dtype)) * 8;
}

/// Bits of the range that a Clip in front of QuantizeLinear leaves: log2(1 + (high - low) / scale).
std::optional<int> clipped_bits(const Graph& graph, const Node& quantize, double scale) {
  const Node* clip = producer(graph, quantize.inputs.front(), "Clip");
  if (clip == nullptr) return std::nullopt;
  const auto low = scalar_input(graph, *clip, 1);
  const auto high = scalar_input(graph, *clip, 2);
  if (!low || !high || *high <= *low) return std::nullopt;
  return static_cast<int>(std::lround(std::ceil(std::log2(1.0 + std::round((*high - *low) / scale)))));
}

const Node* find_by_origin(const Graph& graph, const std::string& origin) {
  const auto value = graph.find_value(origin);
  if (!value || !graph.value(*value).producer.valid()) return nullptr;
  return &graph.node(graph.value(*value).producer);
}

bool read_weight(const Graph& source, const LinearSite& site, ExistingQuantization& result) {
  const Node* product = find_by_origin(source, site.origin);
  if (product == nullptr || product->inputs.size() < 2) return false;
  ValueId weight = product->inputs[1];
  while (const Node* transpose = producer(source, weight, "Transpose")) weight = transpose->inputs.front();
  const Node* dequantize = producer(source, weight, "DequantizeLinear");
  const Tensor* codes = dequantize == nullptr ? nullptr : stored_constant(source, dequantize->inputs.front());
  const Tensor* scale = dequantize == nullptr ? nullptr : constant_input(source, *dequantize, 1);
  if (codes == nullptr || scale == nullptr || scale->elements() == 0) return false;
  const auto scales = to_vector<double>(scale->view());
  const auto [low, high] = std::minmax_element(scales.begin(), scales.end());
  result.weight_bits = code_bits(*codes);
  result.weight_scale_min = *low;
  result.weight_scale_max = *high;
  result.weight_scales = scale->elements();
  return true;
}

/// Least and largest code, and 0.
std::pair<std::int64_t, std::int64_t> code_range(const Tensor& codes) {
  const auto widen = [](const auto& values) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    for (const std::int64_t value : values) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
    return std::pair(low, high);
  };
  if (codes.dtype() == DType::i8) return widen(codes.span<std::int8_t>());
  return widen(to_vector<std::int64_t>(codes.view()));
}

}  // namespace

int code_bits(const Tensor& codes) {
  const auto [low, high] = code_range(codes);
  int bits = 2;
  while (high > (std::int64_t{1} << (bits - 1)) - 1 || low < -(std::int64_t{1} << (bits - 1))) ++bits;
  return bits;
}

std::optional<ExistingQuantizer> existing_quantizer(const TypedGraph& typed, ValueId value) {
  const Graph& graph = typed.graph;
  const Node* dequantize = producer(graph, value, "DequantizeLinear");
  if (dequantize == nullptr) return std::nullopt;
  const Node* quantize = producer(graph, dequantize->inputs.front(), "QuantizeLinear");
  const auto scale = quantize == nullptr ? std::nullopt : scalar_input(graph, *quantize, 1);
  if (!scale || *scale <= 0) return std::nullopt;
  ExistingQuantizer result;
  result.type = typed.type(quantize->outputs.front()).dtype;
  result.scale = *scale;
  result.zero_point = std::llround(scalar_input(graph, *quantize, 2).value_or(0));
  const int storage = storage_bits(result.type);
  result.bits = std::min(storage, clipped_bits(graph, *quantize, *scale).value_or(storage));
  return result;
}

std::optional<ExistingQuantization> existing_quantization(const Graph& source, const TypedGraph& typed,
                                                          const LinearSite& site) {
  const auto activation = existing_quantizer(typed, site.x);
  ExistingQuantization result;
  if (!activation || !read_weight(source, site, result)) return std::nullopt;
  result.activation = *activation;
  return result;
}

}  // namespace nq
