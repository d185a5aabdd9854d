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

std::string base_name(const onnx::NodeProto& node, const char* argument) {
  return (node.name().empty() ? node.output(0) : node.name()) + "_" + argument;
}

Ints ints_of(const onnx::AttributeProto& attribute) { return {attribute.ints().begin(), attribute.ints().end()}; }

/// Moves a list attribute to the next input.
void ints_to_input(onnx::NodeProto& node, const char* name, const UpgradeContext& context) {
  const auto attribute = take(node, name);
  if (attribute) node.add_input(context.add_ints(base_name(node, name), ints_of(*attribute)));
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
  auto* last = node.add_attribute();
  last->set_name("axis");
  last->set_type(onnx::AttributeProto::INT);
  last->set_i(-1);
}

}  // namespace

void upgrade_node_to_13(onnx::NodeProto& node, int opset, const UpgradeContext& context) {
  if (!node.domain().empty() && node.domain() != "ai.onnx") return;
  const std::string& op = node.op_type();
  const auto is_one_of = [&op](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), op) != names.end();
  };
  if (is_one_of({"Softmax", "LogSoftmax", "Hardmax"})) upgrade_softmax(node, context);
  if (is_one_of({"Squeeze", "Unsqueeze", "ReduceSum"})) ints_to_input(node, "axes", context);
  if (op == "Split") ints_to_input(node, "split", context);
  if (op == "Dropout" && opset < 12) (void)take(node, "ratio");
  if (opset < 11 && op == "Clip") upgrade_clip(node, context);
  if (opset < 11 && op == "Pad") upgrade_pad(node, context);
  if (opset < 10 && op == "Slice") upgrade_slice(node, context);
  if (opset < 10 && op == "TopK") upgrade_top_k(node, context);
  NQ_CHECK(opset >= 11 || !is_one_of({"Resize", "Upsample"}), unsupported,
           "node '{}' ({}) changed its meaning after opset {}; export the model at opset 13 or later", node.name(), op,
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
