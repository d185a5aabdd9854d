#include "pipeline/value_fold.hpp"

#include <algorithm>
#include <set>

#include "pipeline/column_map.hpp"

namespace nq {
namespace {

/// One move of the values on their way from the layer to the product.
struct Move {
  const Node* node;
  std::size_t output;
};

class ValueFoldFinder {
 public:
  ValueFoldFinder(const TypedGraph& typed, const SiteGroup& group, const std::vector<LinearSite>& sites)
      : typed_(typed), graph_(typed.graph), group_(group), sites_(sites), uses_(graph_.uses()) {}

  std::optional<ValueFold> find() const {
    // A reduced float would round the noise on its way, and it would not cancel.
    if (typed_.type(group_.x).dtype != DType::f32) return std::nullopt;
    if (group_.leader().kind == SiteKind::conv_patch || group_.leader().x_transposed || !only_sites_read()) {
      return std::nullopt;
    }
    std::vector<Move> after;
    const Node* product = climb(group_.x, after, true);
    if (product == nullptr || product->op_type != "MatMul" || !attends(*product)) return std::nullopt;
    std::vector<Move> before;
    const Node* layer = climb(product->inputs[1], before, false);
    const LinearSite* site = layer == nullptr ? nullptr : site_ending_in(*layer);
    if (site == nullptr || site->kind == SiteKind::conv_patch) return std::nullopt;
    return trace(*site, *layer, *product, before, after);
  }

 private:
  const Node* producer(ValueId value) const {
    const NodeId id = graph_.value(value).producer;
    return id.valid() ? &graph_.node(id) : nullptr;
  }

  const std::vector<NodeId>& readers(ValueId value) const { return uses_[static_cast<std::size_t>(value.index)]; }

  bool only_sites_read() const {
    const auto is_site = [&](NodeId reader) {
      return std::any_of(group_.sites.begin(), group_.sites.end(),
                         [&](const LinearSite& site) { return site.node == reader; });
    };
    return !graph_.is_graph_output(group_.x) && std::all_of(readers(group_.x).begin(), readers(group_.x).end(), is_site);
  }

  static bool moves_columns(const Node& node) {
    static const std::set<std::string, std::less<>> kMoves = {"Reshape",  "Squeeze", "Unsqueeze", "Flatten", "Identity",
                                                              "Transpose", "Gather",  "Slice",     "Split"};
    return node.domain.empty() && kMoves.contains(node.op_type);
  }

  /// First node above `value` that does not move columns; the moves in execution order.
  const Node* climb(ValueId value, std::vector<Move>& moves, bool single_readers) const {
    while (true) {
      const Node* node = producer(value);
      if (node == nullptr || graph_.is_graph_output(value)) return nullptr;
      if (single_readers && value != group_.x && readers(value).size() != 1) return nullptr;
      if (!moves_columns(*node)) return node;
      const auto output = std::find(node->outputs.begin(), node->outputs.end(), value) - node->outputs.begin();
      moves.insert(moves.begin(), {node, static_cast<std::size_t>(output)});
      value = node->inputs[0];
    }
  }

  /// The left operand is a Softmax over the tokens, and nothing else reads the product.
  bool attends(const Node& product) const {
    const Node* softmax = producer(product.inputs[0]);
    const ValueId out = product.outputs[0];
    if (softmax == nullptr || softmax->op_type != "Softmax" || !softmax->domain.empty() || graph_.is_graph_output(out) ||
        readers(out).size() != 1) {
      return false;
    }
    const int rank = typed_.type(softmax->inputs[0]).shape.rank();
    const std::int64_t fallback = softmax->opset < 13 ? 1 : -1;
    return normalize_axis(attr_int(*softmax, "axis", fallback), rank) == rank - 1;
  }

  const LinearSite* site_ending_in(const Node& node) const {
    const auto it = std::find_if(sites_.begin(), sites_.end(), [&](const LinearSite& site) {
      return site.bias_node ? *site.bias_node == node.id : site.node == node.id;
    });
    return it == sites_.end() ? nullptr : &*it;
  }

  std::optional<ValueFold> trace(const LinearSite& site, const Node& layer, const Node& product,
                                 const std::vector<Move>& before, const std::vector<Move>& after) const {
    ColumnMap map = last_axis_columns(typed_.type(layer.outputs[0]).shape);
    std::vector<ColumnMap> others;  // what other readers take
    for (const Move& move : before) {
      if (!follow_others(*move.node, map, others)) return std::nullopt;
      auto moved = move_columns(typed_, *move.node, move.output, map);
      if (!moved) return std::nullopt;
      map = std::move(*moved);
    }
    if (readers(product.inputs[1]).size() != 1) return std::nullopt;
    if (!disjoint(map, others)) return std::nullopt;
    auto mixed = through_product(map, typed_.type(product.outputs[0]).shape);
    for (const Move& move : after) {
      if (mixed) mixed = move_columns(typed_, *move.node, move.output, *mixed);
    }
    if (!mixed) return std::nullopt;
    return by_channel(site, *mixed);
  }

  /// Where a value has more readers than the move that we follow, each must pick columns of its own.
  bool follow_others(const Node& ours, const ColumnMap& map, std::vector<ColumnMap>& others) const {
    const ValueId value = ours.inputs[0];
    if (graph_.is_graph_output(value)) return false;
    for (const NodeId reader : readers(value)) {
      const Node& node = graph_.node(reader);
      if (node.id == ours.id) continue;
      if (!moves_columns(node)) return false;
      for (std::size_t output = 0; output < node.outputs.size(); ++output) {
        auto taken = move_columns(typed_, node, output, map);
        if (!taken) return false;
        others.push_back(std::move(*taken));
      }
    }
    return true;
  }

  static bool disjoint(const ColumnMap& map, const std::vector<ColumnMap>& others) {
    const auto largest = std::max_element(map.columns.begin(), map.columns.end());
    std::vector<std::uint8_t> own(largest == map.columns.end() ? 0 : static_cast<std::size_t>(*largest) + 1, 0);
    for (const std::int32_t column : map.columns) own[static_cast<std::size_t>(column)] = 1;
    const auto is_own = [&](std::int32_t column) {
      const auto at = static_cast<std::size_t>(column);
      return at < own.size() && own[at] != 0;
    };
    return std::all_of(others.begin(), others.end(), [&](const ColumnMap& other) {
      return std::none_of(other.columns.begin(), other.columns.end(), is_own);
    });
  }

  /// Every output token of the attention takes each column from the values of all tokens alike.
  static std::optional<ColumnMap> through_product(const ColumnMap& values, const Shape& out) {
    const int rank = values.shape.rank();
    if (rank < 2 || out.rank() != rank || out.back() != values.shape.back()) return std::nullopt;
    for (int axis = 0; axis < rank - 2; ++axis) {
      if (out[axis] != values.shape[axis]) return std::nullopt;
    }
    const std::int64_t width = values.shape.back();
    const std::int64_t tokens = values.shape[rank - 2];
    ColumnMap map{out, {}};
    const std::int64_t matrices = values.shape.elements() / std::max<std::int64_t>(1, tokens * width);
    for (std::int64_t matrix = 0; matrix < matrices; ++matrix) {
      const auto first = values.columns.begin() + matrix * tokens * width;
      for (std::int64_t token = 1; token < tokens; ++token) {
        if (!std::equal(first, first + width, first + token * width)) return std::nullopt;
      }
      for (std::int64_t token = 0; token < out[rank - 2]; ++token) map.columns.insert(map.columns.end(), first, first + width);
    }
    return map;
  }

  std::optional<ValueFold> by_channel(const LinearSite& site, const ColumnMap& map) const {
    const auto width = static_cast<std::size_t>(group_.c_in());
    if (map.shape.rank() == 0 || map.shape.back() != group_.c_in()) return std::nullopt;
    ValueFold fold{site.origin, {map.columns.begin(), map.columns.begin() + static_cast<std::ptrdiff_t>(width)}};
    for (std::size_t i = 0; i < map.columns.size(); ++i) {
      if (map.columns[i] != fold.columns[i % width]) return std::nullopt;
    }
    const std::set<std::int32_t> distinct(fold.columns.begin(), fold.columns.end());
    if (distinct.size() != width) return std::nullopt;
    return fold;
  }

  const TypedGraph& typed_;
  const Graph& graph_;
  const SiteGroup& group_;
  const std::vector<LinearSite>& sites_;
  std::vector<std::vector<NodeId>> uses_;
};

}  // namespace

std::optional<ValueFold> find_value_fold(const TypedGraph& typed, const SiteGroup& group,
                                         const std::vector<LinearSite>& sites) {
  return ValueFoldFinder(typed, group, sites).find();
}

}  // namespace nq
