#include "pipeline/quantizer_emitter.hpp"

#include <fmt/format.h>

namespace nq {
namespace {

std::string insert(ModelEdit& edit, const std::string& before, const std::string& op, const std::string& base,
                   std::vector<std::string> inputs, const std::string& doc = {}) {
  NodeSpec node;
  node.op_type = op;
  node.name = edit.unique_name(base);
  node.inputs = std::move(inputs);
  node.outputs = {edit.unique_name(base + "_Output")};
  node.doc_string = doc;
  edit.insert_before(before, node);
  return node.outputs.front();
}

/// Unsigned codes below 8 bits fit int8 too; with zero point 0 TensorRT takes them so.
bool fits_int8(const QuantParams& params) {
  return params.is_signed || (params.bits < 8 && params.zero_point.at(0) == 0);
}

Tensor zero_point_of(const QuantParams& params) {
  const std::int32_t zero_point = params.zero_point.at(0);
  if (params.bits > 8) {
    return params.is_signed ? Tensor::scalar(static_cast<std::int16_t>(zero_point))
                            : Tensor::scalar(static_cast<std::uint16_t>(zero_point));
  }
  return fits_int8(params) ? Tensor::scalar(static_cast<std::int8_t>(zero_point))
                           : Tensor::scalar(static_cast<std::uint8_t>(zero_point));
}

}  // namespace

std::string emit_quantizer(ModelEdit& edit, const std::string& before, std::string x,
                           const QuantParams& params) {
  const std::string base = x;
  const float scale = params.scale.at(0);
  const std::int32_t zero_point = params.zero_point.at(0);
  if (params.bits != 8 && params.bits != 16) {
    const std::string low = edit.add_initializer(
        base + "_clip_min", Tensor::scalar(static_cast<float>(params.qmin() - zero_point) * scale));
    const std::string high = edit.add_initializer(
        base + "_clip_max", Tensor::scalar(static_cast<float>(params.qmax() - zero_point) * scale));
    x = insert(edit, before, "Clip", base + "_Clip", {x, low, high});
  }
  const std::string scale_name = edit.add_initializer(base + "_scale", Tensor::scalar(scale));
  const std::string zero_name = edit.add_initializer(base + "_zero_point", zero_point_of(params));
  const std::string doc = fmt::format("nqcli activation bits={}", params.bits);
  x = insert(edit, before, "QuantizeLinear", base + "_QuantizeLinear", {x, scale_name, zero_name}, doc);
  return insert(edit, before, "DequantizeLinear", base + "_DequantizeLinear", {x, scale_name, zero_name},
                doc);
}

}  // namespace nq
