#include "onnx/linear_einsum.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "onnx/unique_names.hpp"

namespace nq {
namespace {

using Dims = std::vector<std::int64_t>;

constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

/// An Einsum that is x W: labels of x are batch + contracted, those of the output batch + made.
struct LinearEinsum {
  int weight_input = 1;
  std::string batch;       ///< "..." stands for any number of axes
  std::string contracted;  ///< in x's order
  std::string made;        ///< in the output's order
  std::string weight;      ///< labels of the weight as it is stored
  Dims weight_dims;
};

std::string equation_of(const onnx::NodeProto& node) {
  std::string text;
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() != "equation") continue;
    std::copy_if(attribute.s().begin(), attribute.s().end(), std::back_inserter(text), [](char c) { return c != ' '; });
  }
  return text;
}

bool has_repeated_label(const std::string& term) {
  std::string labels;
  std::copy_if(term.begin(), term.end(), std::back_inserter(labels), [](char c) { return c != '.'; });
  return std::set<char>(labels.begin(), labels.end()).size() != labels.size();
}

bool contains(const std::string& term, char label) { return term.find(label) != std::string::npos; }

/// Constants of the graph by name, with their shapes.
std::map<std::string, Dims> constant_shapes(const onnx::GraphProto& graph) {
  std::map<std::string, Dims> shapes;
  for (const auto& tensor : graph.initializer()) shapes[tensor.name()] = {tensor.dims().begin(), tensor.dims().end()};
  for (const auto& node : graph.node()) {
    if (node.op_type() != "Constant" || node.output_size() != 1) continue;
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) shapes[node.output(0)] = {attribute.t().dims().begin(), attribute.t().dims().end()};
    }
  }
  return shapes;
}

/// Shapes come from a file that may lie: no product of these overflows.
bool is_plausible(const Dims& dims) {
  std::int64_t elements = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 1 || dim > kMaxElements / elements) return false;
    elements *= dim;
  }
  return true;
}

/// Splits x's labels into the batch and what is summed; the weight decides which those are.
bool split_labels(const std::string& x, const std::string& out, LinearEinsum& found) {
  const auto first = std::find_if(x.begin(), x.end(), [&](char label) { return contains(found.weight, label); });
  found.batch.assign(x.begin(), first);
  found.contracted.assign(first, x.end());
  if (found.contracted.empty() || out.compare(0, found.batch.size(), found.batch) != 0) return false;
  found.made = out.substr(found.batch.size());
  const auto in_weight = [&](char label) { return contains(found.weight, label); };
  const auto in_out = [&](char label) { return contains(out, label); };
  return !found.made.empty() && std::all_of(found.contracted.begin(), found.contracted.end(), in_weight) &&
         std::none_of(found.contracted.begin(), found.contracted.end(), in_out) &&
         std::all_of(found.made.begin(), found.made.end(), in_weight) &&
         found.weight.size() == found.contracted.size() + found.made.size();
}

std::optional<LinearEinsum> match(const onnx::NodeProto& node, const std::map<std::string, Dims>& constants) {
  if (node.op_type() != "Einsum" || !node.domain().empty() || node.input_size() != 2) return std::nullopt;
  const std::string equation = equation_of(node);
  const std::size_t comma = equation.find(',');
  const std::size_t arrow = equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow) return std::nullopt;
  std::string terms[2] = {equation.substr(0, comma), equation.substr(comma + 1, arrow - comma - 1)};
  const std::string out = equation.substr(arrow + 2);
  LinearEinsum found;
  found.weight_input = constants.contains(node.input(1)) ? 1 : 0;
  const auto weight = constants.find(node.input(found.weight_input));
  if (weight == constants.end() || constants.contains(node.input(1 - found.weight_input))) return std::nullopt;
  found.weight = terms[found.weight_input];
  found.weight_dims = weight->second;
  const std::string& x = terms[1 - found.weight_input];
  for (const std::string& term : {x, found.weight, out}) {
    if (has_repeated_label(term)) return std::nullopt;
  }
  if (found.weight.size() != found.weight_dims.size() || !is_plausible(found.weight_dims) || contains(found.weight, '.') || !split_labels(x, out, found)) {
    return std::nullopt;
  }
  // Reshape copies a known number of leading axes.
  const bool is_open = contains(found.batch, '.');
  if (is_open && (found.contracted.size() > 1 || found.made.size() > 1)) return std::nullopt;
  return found;
}

/// Writes the nodes that replace one Einsum.
class Rewriter {
 public:
  Rewriter(onnx::GraphProto& graph, UniqueNames& names, std::vector<onnx::NodeProto>& nodes)
      : graph_(graph), names_(names), nodes_(nodes) {}

  void replace(const onnx::NodeProto& einsum, const LinearEinsum& found) {
    name_ = einsum.name().empty() ? einsum.output(0) : einsum.name();
    const std::string weight = matrix(einsum.input(found.weight_input), found);
    std::string x = einsum.input(1 - found.weight_input);
    if (found.contracted.size() > 1) x = reshape(x, leading(found, {-1}), names_.make(name_ + "_rows"));
    const bool splits = found.made.size() > 1;
    const std::string product = splits ? names_.make(name_ + "_product") : einsum.output(0);
    add("MatMul", {x, weight}, product);
    if (splits) reshape(product, leading(found, dims_of(found, found.made)), einsum.output(0));
  }

 private:
  /// The weight as [contracted, made].
  std::string matrix(std::string weight, const LinearEinsum& found) {
    const std::string order = found.contracted + found.made;
    if (order != found.weight) {
      const std::string turned = names_.make(name_ + "_weight_turned");
      auto& perm = *add("Transpose", {weight}, turned).add_attribute();
      perm.set_name("perm");
      perm.set_type(onnx::AttributeProto::INTS);
      for (const char label : order) perm.add_ints(static_cast<std::int64_t>(found.weight.find(label)));
      weight = turned;
    }
    if (order.size() == 2) return weight;
    std::int64_t columns = 1;
    for (const std::int64_t dim : dims_of(found, found.made)) columns *= dim;
    return reshape(weight, {-1, columns}, names_.make(name_ + "_weight"));
  }

  static Dims dims_of(const LinearEinsum& found, const std::string& labels) {
    Dims dims;
    for (const char label : labels) dims.push_back(found.weight_dims[found.weight.find(label)]);
    return dims;
  }

  static Dims leading(const LinearEinsum& found, const Dims& last) {
    Dims shape(found.batch.size(), 0);  // 0 copies the axis
    shape.insert(shape.end(), last.begin(), last.end());
    return shape;
  }

  std::string reshape(const std::string& value, const Dims& shape, const std::string& output) {
    auto& tensor = *graph_.add_initializer();
    tensor.set_name(names_.make(output + "_shape"));
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(static_cast<std::int64_t>(shape.size()));
    for (const std::int64_t dim : shape) tensor.add_int64_data(dim);
    add("Reshape", {value, tensor.name()}, output);
    return output;
  }

  onnx::NodeProto& add(const char* op, const std::vector<std::string>& inputs, const std::string& output) {
    auto& node = nodes_.emplace_back();
    node.set_op_type(op);
    node.set_name(names_.make(name_ + "/" + op));
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }

  onnx::GraphProto& graph_;
  UniqueNames& names_;
  std::vector<onnx::NodeProto>& nodes_;
  std::string name_;
};

bool has_einsum(const onnx::GraphProto& graph) {
  return std::any_of(graph.node().begin(), graph.node().end(),
                     [](const onnx::NodeProto& node) { return node.op_type() == "Einsum"; });
}

}  // namespace

bool has_linear_einsum(const onnx::ModelProto& model) {
  if (!has_einsum(model.graph())) return false;
  const auto constants = constant_shapes(model.graph());
  return std::any_of(model.graph().node().begin(), model.graph().node().end(),
                     [&](const onnx::NodeProto& node) { return match(node, constants).has_value(); });
}

void rewrite_linear_einsums(onnx::ModelProto& model) {
  auto& graph = *model.mutable_graph();
  if (!has_einsum(graph)) return;
  const auto constants = constant_shapes(graph);
  UniqueNames names(graph);
  std::vector<onnx::NodeProto> nodes;
  Rewriter rewriter(graph, names, nodes);
  for (auto& node : *graph.mutable_node()) {
    if (const auto found = match(node, constants))
      rewriter.replace(node, *found);
    else
      nodes.push_back(std::move(node));
  }
  graph.clear_node();
  for (auto& node : nodes) *graph.add_node() = std::move(node);
}

}  // namespace nq
