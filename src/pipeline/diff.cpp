#include "nq/diff.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "core/check.hpp"
#include "graph/graph_walk.hpp"
#include "pipeline/qdq_product.hpp"

namespace nq {
namespace {

std::string numbers_text(const std::vector<double>& values) {
  if (values.empty()) return "not constant";
  if (values.size() == 1) return fmt::format("{:.9g}", values[0]);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{} values from {:.9g} to {:.9g}", values.size(), *low, *high);
}

std::string codes_text(const QuantizedOperand& operand) {
  return fmt::format("{} codes {}..{}", to_string(operand.type), operand.code_min, operand.code_max);
}

/// Largest relative difference of scales, in words.
std::string change_text(const std::vector<double>& first, const std::vector<double>& second) {
  if (first.size() != second.size() || first.empty()) return numbers_text(second);
  double largest = 0;
  for (std::size_t k = 0; k < first.size(); ++k) largest = std::max(largest, std::abs(second[k] / first[k] - 1));
  return fmt::format("{} (up to {:.3g} % off)", numbers_text(second), 100 * largest);
}

class Differ {
 public:
  Differ(const ModelFile& first, const ModelFile& second)
      : first_file_(first), second_file_(second), first_(first.to_graph()), second_(second.to_graph()) {}

  ModelDifference run() {
    compare_files();
    compare_operators();
    compare_products();
    return std::move(result_);
  }

 private:
  using Products = std::vector<const Node*>;

  void compare_files() {
    const auto note = [&](const std::string& what, const std::string& a, const std::string& b) {
      if (a != b) result_.file.push_back({"", what, a, b});
    };
    note("opset", std::to_string(first_file_.opset()), std::to_string(second_file_.opset()));
    note("IR version", std::to_string(first_file_.ir_version()), std::to_string(second_file_.ir_version()));
    note("producer", first_file_.producer(), second_file_.producer());
    std::map<std::string, std::pair<std::string, std::string>> entries;
    for (const auto& [key, value] : first_file_.metadata()) entries[key].first = value;
    for (const auto& [key, value] : second_file_.metadata()) entries[key].second = value;
    for (const auto& [key, values] : entries) note("metadata " + key, values.first, values.second);
  }

  static std::map<std::string, std::int64_t> count_operators(const Graph& graph) {
    std::map<std::string, std::int64_t> counts;
    for (const NodeId id : graph.order()) ++counts[graph.node(id).domain.empty() ? graph.node(id).op_type : graph.node(id).domain + "." + graph.node(id).op_type];
    return counts;
  }

  void compare_operators() {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> counts;
    for (const auto& [name, count] : count_operators(first_)) counts[name].first = count;
    for (const auto& [name, count] : count_operators(second_)) counts[name].second = count;
    for (const auto& [name, pair] : counts) {
      if (pair.first != pair.second) {
        result_.graph.push_back({"", "number of " + name, std::to_string(pair.first), std::to_string(pair.second)});
      }
    }
  }

  static Products products_of(const Graph& graph) {
    Products products;
    for (const NodeId id : graph.order()) {
      if (is_product(graph.node(id)) && graph.node(id).inputs.size() > 1) products.push_back(&graph.node(id));
    }
    return products;
  }

  static const Node* find_counterpart(const Node& node, const Products& others, const std::set<const Node*>& taken) {
    for (const bool by_name : {false, true}) {
      for (const Node* other : others) {
        const bool matches = by_name ? !node.name.empty() && other->name == node.name : other->origin == node.origin;
        if (matches && !taken.contains(other)) return other;
      }
    }
    return nullptr;
  }

  void compare_products() {
    const Products others = products_of(second_);
    std::set<const Node*> taken;
    for (const Node* node : products_of(first_)) {
      const Node* other = find_counterpart(*node, others, taken);
      if (other == nullptr) {
        result_.graph.push_back({node->display_name(), "product", node->op_type, ""});
        continue;
      }
      taken.insert(other);
      compare_product(*node, *other);
    }
    for (const Node* other : others) {
      if (!taken.contains(other)) result_.graph.push_back({other->display_name(), "product", "", other->op_type});
    }
  }

  void compare_product(const Node& first, const Node& second) {
    const std::size_t before = result_.quantization.size();
    ++result_.products;
    if (first.op_type != second.op_type) result_.graph.push_back({first.display_name(), "operator", first.op_type, second.op_type});
    compare_operands(first.display_name(), "activation", read_operand(first_, first.inputs[0]), read_operand(second_, second.inputs[0]));
    compare_operands(first.display_name(), "weight", read_operand(first_, first.inputs[1]), read_operand(second_, second.inputs[1]));
    result_.equal_products += result_.quantization.size() == before ? 1 : 0;
  }

  void compare_operands(const std::string& where, const std::string& which, const std::optional<QuantizedOperand>& first,
                        const std::optional<QuantizedOperand>& second) {
    const auto note = [&](const std::string& what, const std::string& a, const std::string& b) {
      result_.quantization.push_back({where, which + " " + what, a, b});
    };
    if (!first && !second) return;
    if (!first || !second) {
      note("quantizer", first ? codes_text(*first) : "float", second ? codes_text(*second) : "float");
      return;
    }
    if (codes_text(*first) != codes_text(*second)) note("range", codes_text(*first), codes_text(*second));
    if (first->scales != second->scales) note("scale", numbers_text(first->scales), change_text(first->scales, second->scales));
    if (first->zero_points != second->zero_points) {
      note("zero point", fmt::format("{}", fmt::join(first->zero_points, " ")), fmt::format("{}", fmt::join(second->zero_points, " ")));
    }
    compare_codes(*first, *second, note);
  }

  template <typename Note>
  static void compare_codes(const QuantizedOperand& first, const QuantizedOperand& second, const Note& note) {
    if (first.codes == nullptr || second.codes == nullptr) return;
    const auto a = to_vector<std::int64_t>(first.codes->view());
    const auto b = to_vector<std::int64_t>(second.codes->view());
    if (first.codes->shape() != second.codes->shape()) {
      note("codes", to_string(first.codes->shape()), to_string(second.codes->shape()));
      return;
    }
    std::int64_t different = 0;
    std::int64_t largest = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      different += a[k] != b[k] ? 1 : 0;
      largest = std::max(largest, std::abs(a[k] - b[k]));
    }
    if (different > 0) note("codes", fmt::format("{} codes", a.size()), fmt::format("{} differ, by up to {}", different, largest));
  }

  const ModelFile& first_file_;
  const ModelFile& second_file_;
  Graph first_;
  Graph second_;
  ModelDifference result_;
};

}  // namespace

ModelDifference diff(const ModelFile& first, const ModelFile& second) { return Differ(first, second).run(); }

}  // namespace nq
