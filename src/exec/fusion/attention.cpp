#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include "exec/fusion/fuse.hpp"
#include "exec/fusion/qdq_match.hpp"
#include "exec/fusion/strided_view.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

using Ints = std::vector<std::int64_t>;

/// A view cut into [batch, heads, rows, columns]; rank 3 has one batch.
struct Heads {
  std::int64_t batch = 1, heads = 0, rows = 0, columns = 0;
  std::int64_t batch_stride = 0, head_stride = 0, row_stride = 0, column_stride = 0;
};

std::optional<Heads> cut_heads(const StridedView& view) {
  const std::size_t rank = view.sizes.size();
  if (rank != 3 && rank != 4) return std::nullopt;
  Heads heads;
  heads.heads = view.sizes[rank - 3];
  heads.head_stride = view.strides[rank - 3];
  heads.rows = view.sizes[rank - 2];
  heads.row_stride = view.strides[rank - 2];
  heads.columns = view.sizes[rank - 1];
  heads.column_stride = view.strides[rank - 1];
  if (rank == 4) {
    heads.batch = view.sizes[0];
    heads.batch_stride = view.strides[0];
  }
  return heads;
}

struct Addend {
  ValueId value;
  Ints layout;  ///< batch period; batch, head, row and column strides
};

/// An operand of a product, and its quantizer when it has one.
struct Operand {
  ValueId value;
  std::optional<ActivationMatch> grid;
};

struct ScoreMatch {
  const Node* product = nullptr;  ///< Q K^T
  float factor = 1.0F;
  std::vector<Addend> addends;
};

class AttentionMatcher {
 public:
  explicit AttentionMatcher(const FusionGraph& graph) : graph_(graph) {}

  /// Builds the fused node for `product` = softmax(...) V, or nothing. `last` is what it replaces.
  std::optional<Node> match(const Node& product, NodeId& last) const {
    const Operand weights = operand(product.inputs[0]);
    const Node* softmax = graph_.made_by(weights.value, "Softmax");
    if (softmax == nullptr || graph_.sole_reader(weights.value) == nullptr) return std::nullopt;
    const int rank = graph_.shape(weights.value).rank();
    if (normalize_axis(attr_int(*softmax, "axis", softmax->opset < 13 ? 1 : -1), rank) != rank - 1) return std::nullopt;
    const auto scores = match_scores(softmax->inputs[0]);
    if (!scores) return std::nullopt;
    const Operand operands[] = {operand(scores->product->inputs[0]), operand(scores->product->inputs[1]), weights,
                                operand(product.inputs[1])};
    const bool quantized = weights.grid.has_value();
    if (std::any_of(std::begin(operands), std::end(operands),
                    [&](const Operand& item) { return item.grid.has_value() != quantized; })) {
      return std::nullopt;
    }
    const Factors factors = quantized ? Factors::stop : Factors::collect;
    const StridedView q = view_of(graph_, operands[0].value, factors);
    const StridedView k = view_of(graph_, operands[1].value, factors);
    const StridedView v = view_of(graph_, operands[3].value, factors);
    const auto q_heads = cut_heads(q);
    const auto k_heads = cut_heads(k);  // as K^T: columns are the keys
    const auto v_heads = cut_heads(v);
    const bool fits = q_heads && k_heads && v_heads && q_heads->column_stride == 1 && k_heads->row_stride == 1 &&
                      v_heads->column_stride == 1 && same_heads(*q_heads, *k_heads) && same_heads(*q_heads, *v_heads) &&
                      q_heads->columns == k_heads->rows && k_heads->columns == v_heads->rows;
    if (!fits || v.factor != 1.0F) return std::nullopt;
    Node node = internal_node("FusedAttention", product);
    node.inputs = {q.source, k.source, v.source};
    node.attributes["dims"] = Ints{q_heads->batch, q_heads->heads, q_heads->heads, q_heads->rows, k_heads->columns,
                                   q_heads->columns, v_heads->columns};
    node.attributes["q_layout"] = Ints{q.offset, q_heads->batch_stride, q_heads->head_stride, q_heads->row_stride};
    node.attributes["k_layout"] = Ints{k.offset, k_heads->batch_stride, k_heads->head_stride, k_heads->column_stride};
    node.attributes["v_layout"] = Ints{v.offset, v_heads->batch_stride, v_heads->head_stride, v_heads->row_stride};
    node.attributes["scale"] = scores->factor * q.factor * k.factor;
    for (std::size_t index = 0; index < scores->addends.size(); ++index) {
      node.inputs.push_back(scores->addends[index].value);
      node.attributes["addend" + std::to_string(index) + "_layout"] = scores->addends[index].layout;
    }
    if (quantized) attach_grids(operands, node);
    place_output(product, node, last);
    return node;
  }

 private:
  Operand operand(ValueId value) const {
    const auto grid = QdqMatcher(graph_).activation(value);
    return grid ? Operand{grid->x, grid} : Operand{value, std::nullopt};
  }

  static void attach_grids(const Operand (&operands)[4], Node& node) {
    std::vector<float> scales;
    Ints codes;
    for (const Operand& operand : operands) {
      scales.push_back(operand.grid->scale);
      codes.insert(codes.end(), {operand.grid->zero_point, operand.grid->qmin, operand.grid->qmax});
    }
    node.attributes["grid_scales"] = scales;
    node.attributes["grid_codes"] = codes;
  }

  static bool same_heads(const Heads& a, const Heads& b) { return a.batch == b.batch && a.heads == b.heads; }

  std::optional<ScoreMatch> match_scores(ValueId value) const {
    ScoreMatch match;
    for (int depth = 0; depth < 6; ++depth) {
      const Node* node = graph_.producer(value);
      if (node == nullptr || !node->domain.empty() || graph_.sole_reader(value) == nullptr) return std::nullopt;
      if (node->op_type == "MatMul") {
        if (!graph_.all_f32(*node)) return std::nullopt;
        match.product = node;
        return match;
      }
      const auto inner = step_up(*node, match);
      if (!inner) return std::nullopt;
      value = *inner;
    }
    return std::nullopt;
  }

  /// Over one scalar factor, addend or change of the batch axes; nothing when the node is none of them.
  std::optional<ValueId> step_up(const Node& node, ScoreMatch& match) const {
    if (node.op_type == "Reshape" && keeps_matrices(node)) return node.inputs[0];
    if (node.inputs.size() != 2) return std::nullopt;
    if (node.op_type == "Mul" || node.op_type == "Div") {
      for (std::size_t side = 0; side < (node.op_type == "Mul" ? 2U : 1U); ++side) {
        const auto factor = graph_.scalar(node.inputs[1 - side]);
        if (!factor) continue;
        match.factor *= node.op_type == "Mul" ? *factor : 1.0F / *factor;
        return node.inputs[side];
      }
      return std::nullopt;
    }
    // Walking up, a factor seen before an Add would scale the addend too.
    if (node.op_type != "Add" || match.addends.size() == 2 || match.factor != 1.0F) return std::nullopt;
    for (std::size_t side = 0; side < 2; ++side) {
      auto addend = addend_layout(node.inputs[1 - side], graph_.shape(node.outputs.front()));
      const bool keeps_shape = graph_.shape(node.inputs[side]) == graph_.shape(node.outputs.front());
      if (!addend || !keeps_shape || graph_.made_by(node.inputs[1 - side], "MatMul") != nullptr) continue;
      match.addends.push_back(std::move(*addend));
      return node.inputs[side];
    }
    return std::nullopt;
  }

  /// Whether a Reshape leaves [heads, rows, columns] alone, as in front of and behind the mask of shifted windows.
  bool keeps_matrices(const Node& reshape) const {
    const auto from = graph_.shape(reshape.inputs[0]).dims();
    const auto to = graph_.shape(reshape.outputs.front()).dims();
    return from.size() >= 3 && to.size() >= 3 && std::equal(from.end() - 3, from.end(), to.end() - 3);
  }

  /// Layout of a dense value that broadcasts to the scores [batch, heads, rows, columns], whose batch may be several axes.
  std::optional<Addend> addend_layout(ValueId value, const Shape& scores) const {
    const Shape& shape = graph_.shape(value);
    if (graph_.type(value).dtype != DType::f32 || shape.rank() > scores.rank()) return std::nullopt;
    const auto dims = shape.dims();
    const Ints strides = dense_strides(shape);
    Addend addend{value, {1, 0, 0, 0, 0}};
    const std::size_t matrix_axes = std::min<std::size_t>(3, dims.size());
    for (std::size_t from_end = 1; from_end <= matrix_axes; ++from_end) {
      const std::size_t axis = dims.size() - from_end;
      if (dims[axis] != 1) addend.layout[5 - from_end] = strides[axis];
    }
    // Batch axes, less leading ones, must be the innermost of the scores': over the outer ones the addend repeats.
    const auto end = dims.end() - matrix_axes;
    const auto begin = std::find_if(dims.begin(), end, [](std::int64_t size) { return size != 1; });
    if (begin == end) return addend;
    const auto batch = scores.dims().first(scores.dims().size() - 3);
    if (!std::equal(begin, end, batch.end() - (end - begin))) return std::nullopt;
    addend.layout[0] = std::accumulate(begin, end, std::int64_t{1}, std::multiplies<>());
    addend.layout[1] = strides[dims.size() - 4];
    return addend;
  }

  /// Takes over a Transpose behind the product, whose order the kernel can write directly.
  void place_output(const Node& product, Node& node, NodeId& last) const {
    last = product.id;
    ValueId result = product.outputs.front();
    const Shape& dense = graph_.shape(result);
    Ints strides = dense_strides(dense);
    const Node* transpose = graph_.sole_reader(result);
    if (transpose != nullptr && transpose->op_type == "Transpose" && transpose->domain.empty()) {
      const Ints perm = attr_ints(*transpose, "perm");
      const ValueId moved = transpose->outputs.front();
      if (!perm.empty() && perm.back() == dense.rank() - 1) {
        const Ints moved_strides = dense_strides(graph_.shape(moved));
        for (std::size_t axis = 0; axis < perm.size(); ++axis) {
          strides[static_cast<std::size_t>(perm[axis])] = moved_strides[axis];
        }
        result = moved;
        last = transpose->id;
      }
    }
    const auto dims = graph_.shape(result).dims();
    const std::size_t rank = strides.size();
    node.attributes["out_shape"] = Ints(dims.begin(), dims.end());
    node.attributes["out_layout"] = Ints{rank == 4 ? strides[0] : 0, strides[rank - 3], strides[rank - 2]};
    node.outputs = {result};
  }

  const FusionGraph& graph_;
};

}  // namespace

void fuse_attention(FusionGraph& graph) {
  const AttentionMatcher matcher(graph);
  for (const NodeId id : graph.order()) {
    const Node& product = graph.node(id);
    if (product.removed || product.op_type != "MatMul" || !product.domain.empty() || !graph.all_f32(product)) continue;
    NodeId last;
    auto node = matcher.match(product, last);
    if (node) graph.replace(last, std::move(*node));
  }
}

}  // namespace nq
