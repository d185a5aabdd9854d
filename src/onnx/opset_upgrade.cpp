#include "onnx/opset_upgrade.hpp"

#include <algorithm>
#include <optional>

#include "core/check.hpp"

namespace nq {
namespace {

using Ints = std::vector<std::int64_t>;

/// Removes and returns an attribute.
std::optional<onnx::AttributeProto> take(onnx::NodeProto& node, const char* name) {
  auto& attributes = *node.mutable_attribute();
  for (int k = 0; k < attributes.size(); ++k) {
    if (attributes[k].name() != name) continue;
    const onnx::AttributeProto found = attributes[k];
    attributes.DeleteSubrange(k, 1);
    return found;
  }
  return std::nullopt;
}

bool is_one_of(const std::string& op, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), op) != names.end();
}

bool is_default_domain(const onnx::NodeProto& node) { return node.domain().empty() || node.domain() == "ai.onnx"; }

std::string base_name(const onnx::NodeProto& node, const char* argument) {
  return (node.name().empty() ? node.output(0) : node.name()) + "_" + argument;
}

Ints ints_of(const onnx::AttributeProto& attribute) { return {attribute.ints().begin(), attribute.ints().end()}; }

/// Moves a list attribute to the next input.
void ints_to_input(onnx::NodeProto& node, const char* name, const UpgradeContext& context) {
  const auto attribute = take(node, name);
  if (attribute) node.add_input(context.add_ints(base_name(node, name), ints_of(*attribute)));
}

void add_int(onnx::NodeProto& node, const char* name, std::int64_t value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void add_text(onnx::NodeProto& node, const char* name, const std::string& value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::STRING);
  attribute->set_s(value);
}

void upgrade_slice(onnx::NodeProto& node, const UpgradeContext& context) {
  for (const char* name : {"starts", "ends", "axes"}) ints_to_input(node, name, context);
}

void upgrade_clip(onnx::NodeProto& node, const UpgradeContext& context) {
  for (const char* name : {"min", "max"}) {
    const auto attribute = take(node, name);
    node.add_input(attribute ? context.add_float(base_name(node, name), attribute->f()) : std::string());
  }
}

void upgrade_pad(onnx::NodeProto& node, const UpgradeContext& context) {
  ints_to_input(node, "pads", context);
  const auto value = take(node, "value");
  if (value) node.add_input(context.add_float(base_name(node, "value"), value->f()));
}

void upgrade_top_k(onnx::NodeProto& node, const UpgradeContext& context) {
  const auto k = take(node, "k");
  if (k) node.add_input(context.add_ints(base_name(node, "k"), {k->i()}));
}

/// Before 13 the axes from `axis` on were flattened into one; equal to a softmax over the last
/// axis exactly when `axis` is the last.
void upgrade_softmax(onnx::NodeProto& node, const UpgradeContext& context) {
  const auto attribute = take(node, "axis");
  const std::int64_t axis = attribute ? attribute->i() : 1;
  const int rank = context.rank_of(node.input(0));
  NQ_CHECK(axis == -1 || axis == rank - 1, unsupported,
           "node '{}' ({}) flattens several axes, which opset 13 cannot say; export the model at opset 13 or later",
           node.name(), node.op_type());
  add_int(node, "axis", -1);
}

/// Opset 20 calls the interpolations what Resize calls them.
void upgrade_grid_sample(onnx::NodeProto& node) {
  const auto mode = take(node, "mode");
  if (mode) add_text(node, "mode", mode->s() == "bilinear" ? "linear" : mode->s() == "bicubic" ? "cubic" : mode->s());
}

/// Opset 16 has the half-pixel shift as its default; before there was none.
void upgrade_roi_align(onnx::NodeProto& node) { add_text(node, "coordinate_transformation_mode", "output_half_pixel"); }

}  // namespace

void upgrade_node_to_13(onnx::NodeProto& node, int opset, const UpgradeContext& context) {
  if (!is_default_domain(node)) return;
  const std::string& op = node.op_type();
  if (is_one_of(op, {"Softmax", "LogSoftmax", "Hardmax"})) upgrade_softmax(node, context);
  if (is_one_of(op, {"Squeeze", "Unsqueeze", "ReduceSum"})) ints_to_input(node, "axes", context);
  if (op == "Split") ints_to_input(node, "split", context);
  if (op == "Dropout" && opset < 12) (void)take(node, "ratio");
  if (opset < 11 && op == "Clip") upgrade_clip(node, context);
  if (opset < 11 && op == "Pad") upgrade_pad(node, context);
  if (opset < 10 && op == "Slice") upgrade_slice(node, context);
  if (opset < 10 && op == "TopK") upgrade_top_k(node, context);
  NQ_CHECK(opset >= 11 || !is_one_of(op, {"Resize", "Upsample"}), unsupported,
           "node '{}' ({}) changed its meaning after opset {}; export the model at opset 13 or later", node.name(), op,
           opset);
}

void upgrade_node_to_21(onnx::NodeProto& node, int opset, const UpgradeContext& context) {
  if (!is_default_domain(node)) return;
  const std::string& op = node.op_type();
  const bool reduces = is_one_of(op, {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
                                      "ReduceMin", "ReduceProd", "ReduceSumSquare"});
  if (opset < 18 && reduces) ints_to_input(node, "axes", context);
  if (opset < 18 && op == "Split" && node.input_size() < 2) add_int(node, "num_outputs", node.output_size());
  if (opset < 20 && op == "GridSample") upgrade_grid_sample(node);
  if (opset < 16 && op == "RoiAlign") upgrade_roi_align(node);
  const bool trains = op == "BatchNormalization" && node.output_size() > 1;
  NQ_CHECK(!trains && !is_one_of(op, {"GroupNormalization", "DFT"}), unsupported,
           "node '{}' ({}) changed its meaning after opset {}; export the model at opset 21 or later", node.name(), op,
           opset);
}

int ir_version_of_opset(int opset) {
  if (opset <= 10) return 5;
  if (opset <= 11) return 6;
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  if (opset <= 23) return 11;
  return opset <= 24 ? 12 : 13;
}

}  // namespace nq
