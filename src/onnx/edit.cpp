#include "onnx/edit.hpp"

#include <algorithm>
#include <set>

#include "core/check.hpp"
#include "core/hash.hpp"
#include "onnx/linear_einsum.hpp"
#include "onnx/model_impl.hpp"
#include "onnx/opset_upgrade.hpp"
#include "onnx/save_model.hpp"
#include "onnx/unique_names.hpp"

namespace nq {
namespace {

void collect_reads(const onnx::GraphProto& graph, std::set<std::string>& names) {
  for (const auto& node : graph.node()) {
    names.insert(node.input().begin(), node.input().end());
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) collect_reads(attribute.g(), names);
    }
  }
  for (const auto& output : graph.output()) names.insert(output.name());
}

onnx::NodeProto to_proto(const NodeSpec& spec) {
  onnx::NodeProto node;
  node.set_op_type(spec.op_type);
  node.set_name(spec.name);
  if (!spec.domain.empty()) node.set_domain(spec.domain);
  for (const auto& input : spec.inputs) node.add_input(input);
  for (const auto& output : spec.outputs) node.add_output(output);
  for (const auto& [name, value] : spec.attributes) {
    auto* attribute = node.add_attribute();
    attribute->set_name(name);
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
      attribute->set_type(onnx::AttributeProto::INTS);
      for (const std::int64_t item : *list) attribute->add_ints(item);
    } else {
      attribute->set_type(onnx::AttributeProto::INT);
      attribute->set_i(std::get<std::int64_t>(value));
    }
  }
  if (!spec.doc_string.empty()) node.set_doc_string(spec.doc_string);
  return node;
}

void upgrade_with_subgraphs(onnx::NodeProto& node, int opset, int target, const UpgradeContext& context) {
  if (opset < 13) upgrade_node_to_13(node, opset, context);
  if (target > 13) upgrade_node_to_21(node, std::max(opset, 13), context);
  for (auto& attribute : *node.mutable_attribute()) {
    if (!attribute.has_g()) continue;
    for (auto& inner : *attribute.mutable_g()->mutable_node()) upgrade_with_subgraphs(inner, opset, target, context);
  }
}

}  // namespace

struct ModelEdit::State {
  std::shared_ptr<ModelFile::Impl> impl;
  std::vector<onnx::NodeProto> nodes;
  UniqueNames names;
  std::set<std::string> read_before;

  std::vector<onnx::NodeProto>::iterator find(const std::string& origin) {
    const auto it = std::find_if(nodes.begin(), nodes.end(), [&](const onnx::NodeProto& node) {
      return node.output_size() > 0 && node.output(0) == origin;
    });
    NQ_CHECK(it != nodes.end(), input, "the model has no node with output '{}'", origin);
    return it;
  }

  void drop_orphans();
};

ModelEdit::ModelEdit(const ModelFile& model) : state_(std::make_unique<State>()) {
  state_->impl = std::make_shared<ModelFile::Impl>(model.impl());
  onnx::ModelProto& proto = state_->impl->proto;
  inline_functions(proto);
  rewrite_linear_einsums(proto);
  state_->names = UniqueNames(proto.graph());
  collect_reads(proto.graph(), state_->read_before);
  for (auto& node : *proto.mutable_graph()->mutable_node()) state_->nodes.push_back(std::move(node));
  proto.mutable_graph()->clear_node();
}

ModelEdit::~ModelEdit() = default;

std::string ModelEdit::unique_name(const std::string& base) { return state_->names.make(base); }

std::string ModelEdit::add_initializer(const std::string& base, const Tensor& tensor) {
  const std::string name = unique_name(base);
  *state_->impl->proto.mutable_graph()->add_initializer() = tensor_to_proto(tensor, name);
  return name;
}

void ModelEdit::insert_before(const std::string& origin, const NodeSpec& node) {
  state_->nodes.insert(state_->find(origin), to_proto(node));
}

void ModelEdit::insert_after(const std::string& origin, const NodeSpec& node) {
  state_->nodes.insert(state_->find(origin) + 1, to_proto(node));
}

void ModelEdit::replace_node(const std::string& origin, const NodeSpec& node) {
  *state_->find(origin) = to_proto(node);
}

void ModelEdit::remove_node(const std::string& origin) { state_->nodes.erase(state_->find(origin)); }

void ModelEdit::set_input(const std::string& origin, int input, const std::string& value) {
  auto& node = *state_->find(origin);
  NQ_ASSERT(input >= 0 && input <= node.input_size());
  if (input == node.input_size()) node.add_input(value);
  else node.set_input(input, value);
}

void ModelEdit::rename_output(const std::string& origin, const std::string& new_name) {
  state_->find(origin)->set_output(0, new_name);
}

void ModelEdit::drop_declared_type(const std::string& value) {
  auto& infos = *state_->impl->proto.mutable_graph()->mutable_value_info();
  infos.erase(std::remove_if(infos.begin(), infos.end(), [&](const auto& info) { return info.name() == value; }), infos.end());
}

std::string ModelEdit::input_name(const std::string& origin, int input) const {
  const auto& node = *state_->find(origin);
  return input < node.input_size() ? node.input(input) : std::string();
}

std::string ModelEdit::node_name(const std::string& origin) const {
  const auto& node = *state_->find(origin);
  return node.name().empty() ? origin : node.name();
}

void ModelEdit::set_metadata(const std::string& key, const std::string& value) {
  set_metadata_entry(state_->impl->proto, key, value);
}

void ModelEdit::set_producer(const std::string& name, const std::string& version) {
  state_->impl->proto.set_producer_name(name);
  state_->impl->proto.set_producer_version(version);
}

void ModelEdit::raise_opset(int target, const std::function<int(const std::string&)>& rank_of) {
  auto& proto = state_->impl->proto;
  const int opset = imported_opset(proto, "");
  if (opset < target) {
    NQ_CHECK(opset >= kOldestUpgradableOpset, unsupported, "the model is at opset {}; export it at opset {} or later",
             opset, target);
    const UpgradeContext context{
        [&](const std::string& base, const std::vector<std::int64_t>& values) {
          return add_initializer(base, Tensor::of(Shape{static_cast<std::int64_t>(values.size())}, values));
        },
        [&](const std::string& base, float value) { return add_initializer(base, Tensor::scalar(value)); }, rank_of};
    for (auto& node : state_->nodes) upgrade_with_subgraphs(node, opset, target, context);
    for (auto& import : *proto.mutable_opset_import()) {
      if (import.domain().empty() || import.domain() == "ai.onnx") import.set_version(target);
    }
  }
  const int needed = ir_version_of_opset(imported_opset(proto, ""));
  if (proto.ir_version() < needed) proto.set_ir_version(needed);
}

void ModelEdit::State::drop_orphans() {
  auto& graph = *impl->proto.mutable_graph();
  for (bool changed = true; changed;) {
    std::set<std::string> read;
    for (const auto& node : nodes) {
      read.insert(node.input().begin(), node.input().end());
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) collect_reads(attribute.g(), read);
      }
    }
    for (const auto& output : graph.output()) read.insert(output.name());
    // Only what had a reader before the edit is an orphan of the edit; the user's own unused
    // nodes and initializers stay.
    const auto orphaned = [&](const std::string& name) { return !read.contains(name) && read_before.contains(name); };
    const auto unread = [&](const std::string& name) { return name.empty() || !read.contains(name); };
    const auto removed = std::remove_if(nodes.begin(), nodes.end(), [&](const onnx::NodeProto& node) {
      return std::all_of(node.output().begin(), node.output().end(), unread) &&
             std::any_of(node.output().begin(), node.output().end(), orphaned);
    });
    changed = removed != nodes.end();
    nodes.erase(removed, nodes.end());
    if (changed) continue;
    auto& initializers = *graph.mutable_initializer();
    const auto dead = std::stable_partition(initializers.begin(), initializers.end(), [&](const onnx::TensorProto& item) {
      return !orphaned(item.name());
    });
    std::set<std::string> dropped;
    for (auto it = dead; it != initializers.end(); ++it) dropped.insert(it->name());
    initializers.erase(dead, initializers.end());
    auto& inputs = *graph.mutable_input();
    inputs.erase(std::remove_if(inputs.begin(), inputs.end(),
                                [&](const onnx::ValueInfoProto& item) { return dropped.contains(item.name()); }),
                 inputs.end());
  }
}

ModelFile ModelEdit::finish() {
  state_->drop_orphans();
  auto& graph = *state_->impl->proto.mutable_graph();
  for (auto& node : state_->nodes) *graph.add_node() = std::move(node);
  auto impl = std::move(state_->impl);
  impl->digest = digest_of(impl->proto);
  return ModelFile(std::move(impl));
}

}  // namespace nq
