#include "pipeline/value_changes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "graph/graph_walk.hpp"

namespace nq {
namespace {

/// Factors on the two sides of scores cancel to rounding.
constexpr float kCancel = 1e-4F;

class ChangeFlow {
 public:
  ChangeFlow(const TypedGraph& typed, const std::map<ValueId, const OutputChange*>& roots, const std::vector<ValueId>& wanted)
      : typed_(typed), graph_(typed.graph), roots_(roots), wanted_(wanted.begin(), wanted.end()) {
    for (const NodeId id : graph_.order()) {
      for (const ValueId input : graph_.node(id).inputs) last_reader_[input] = id;
    }
  }

  std::map<ValueId, ValueChange> run() {
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      for (std::size_t output = 0; output < node.outputs.size(); ++output) follow(node, output);
      // A map has an entry per element: what nobody reads any more goes.
      for (const ValueId input : node.inputs) {
        if (last_reader_.at(input) == id && !wanted_.contains(input)) changes_.erase(input);
      }
    }
    std::erase_if(changes_, [&](const auto& entry) { return !wanted_.contains(entry.first); });
    return std::move(changes_);
  }

 private:
  void follow(const Node& node, std::size_t output) {
    const ValueId value = node.outputs[output];
    if (const auto root = roots_.find(value); root != roots_.end()) {
      const Shape& shape = typed_.type(value).shape;
      const bool fits = shape.rank() > 0 && shape.back() == static_cast<std::int64_t>(root->second->scale.size());
      if (fits) changes_[value].elements = ElementChange{root->second, last_axis_columns(shape), 1.0F};
      else set_gap(value, "the change recorded for its layer has another width");
      return;
    }
    const bool changed = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) { return known(input) != nullptr; });
    if (!changed) return;
    if (is_product(node)) follow_product(node, value);
    else follow_move(node, output);
  }

  const ValueChange* known(ValueId value) const {
    const auto it = value.valid() ? changes_.find(value) : changes_.end();
    return it == changes_.end() ? nullptr : &it->second;
  }

  void set_gap(ValueId value, std::string why) { changes_[value].gap = std::move(why); }

  /// Operators that leave every element in its place.
  static bool keeps_elements(const Node& node) {
    static const std::set<std::string, std::less<>> kTypes = {"QuantizeLinear", "DequantizeLinear", "Clip", "Cast"};
    return node.domain.empty() && kTypes.contains(node.op_type);
  }

  std::optional<float> scalar(ValueId value) const {
    const Tensor* constant = value.valid() ? graph_.constant(value) : nullptr;
    if (constant == nullptr || constant->elements() != 1 || !is_float(constant->dtype())) return std::nullopt;
    return to_vector<float>(constant->view()).front();
  }

  void follow_move(const Node& node, std::size_t output) {
    const ValueId value = node.outputs[output];
    const ValueChange* source = known(node.inputs.front());
    // Scores end at the Softmax, to which a shift by row is nothing.
    if (source != nullptr && source->keys && source->gap.empty()) return;
    if (source != nullptr && source->elements) {
      ElementChange moved{source->elements->change, {}, source->elements->factor};
      if (keeps_elements(node)) {
        moved.columns = source->elements->columns;
      } else if (node.domain.empty() && (node.op_type == "Mul" || node.op_type == "Div") && scalar(node.inputs[1])) {
        moved.columns = source->elements->columns;
        moved.factor *= node.op_type == "Mul" ? *scalar(node.inputs[1]) : 1.0F / *scalar(node.inputs[1]);
      } else if (auto columns = move_columns(typed_, node, output, source->elements->columns)) {
        moved.columns = std::move(*columns);
      }
      if (!moved.columns.columns.empty()) {
        changes_[value].elements = std::move(moved);
        return;
      }
    }
    set_gap(value, "a scale or noisy bias folded into the layer above passes '" + node.display_name() + "' (" + node.op_type +
                       "), and its channels cannot be followed");
  }

  void follow_product(const Node& node, ValueId value) {
    const ValueId left = node.inputs[0];
    const ValueId right = node.inputs[1];
    if (graph_.constant(right) != nullptr || is_stored_weight(right)) return;
    if (node.op_type != "MatMul") return set_gap(value, "an operand of this " + node.op_type + " carries a folded scale or noisy bias");
    for (const ValueId operand : {left, right}) {
      if (const ValueChange* change = known(operand); change != nullptr && !change->gap.empty()) return set_gap(value, change->gap);
    }
    if (known(left) == nullptr) follow_values(right, value);
    else if (known(right) != nullptr) follow_scores(left, right, value);
    else set_gap(value, "only its left operand carries a folded scale");
  }

  bool is_stored_weight(ValueId value) const {
    const NodeId producer = graph_.value(value).producer;
    if (!producer.valid()) return false;
    const Node& node = graph_.node(producer);
    const bool passes = node.domain.empty() && (node.op_type == "DequantizeLinear" || node.op_type == "Cast" || node.op_type == "Transpose");
    return passes && (graph_.constant(node.inputs.front()) != nullptr || is_stored_weight(node.inputs.front()));
  }

  /// softmax(...) V: rows sum to 1, so that every query takes each column's change as it is.
  void follow_values(ValueId right, ValueId value) {
    const ElementChange& source = *known(right)->elements;
    const Shape& in = typed_.type(right).shape;
    const Shape& out = typed_.type(value).shape;
    const std::int64_t width = in.back();
    const std::int64_t tokens = in[in.rank() - 2];
    if (out.rank() != in.rank() || out.elements() / std::max<std::int64_t>(1, out[out.rank() - 2] * width) * tokens * width != in.elements()) {
      return set_gap(value, "its values are shared between heads");
    }
    ElementChange result{source.change, {out, {}}, source.factor};
    for (auto slice = source.columns.columns.begin(); slice != source.columns.columns.end(); slice += tokens * width) {
      for (std::int64_t token = 1; token < tokens; ++token) {
        if (!std::equal(slice, slice + width, slice + token * width)) return set_gap(value, "the tokens of its values carry different folds");
      }
      for (std::int64_t row = 0; row < out[out.rank() - 2]; ++row) {
        result.columns.columns.insert(result.columns.columns.end(), slice, slice + width);
      }
    }
    changes_[value].elements = std::move(result);
  }

  /// (Q / a)(K a + shift)^T
  void follow_scores(ValueId left, ValueId right, ValueId value) {
    const ElementChange& q = *known(left)->elements;
    const ElementChange& k = *known(right)->elements;
    const Shape& rows = typed_.type(left).shape;
    const Shape& keys = typed_.type(right).shape;
    KeyShift result{left, {}, rows.back(), rows[rows.rank() - 2], keys.back()};
    const std::int64_t slices = rows.elements() / std::max<std::int64_t>(1, result.dim * result.rows);
    if (rows.rank() != keys.rank() || keys.elements() != slices * result.dim * result.keys) {
      return set_gap(value, "its keys are shared between heads");
    }
    for (std::int64_t slice = 0; slice < slices; ++slice) {
      for (std::int64_t c = 0; c < result.dim; ++c) {
        const auto q_column = static_cast<std::size_t>(q.columns.columns[static_cast<std::size_t>(slice * result.rows * result.dim + c)]);
        const auto first = k.columns.columns.begin() + (slice * result.dim + c) * result.keys;
        const auto k_column = static_cast<std::size_t>(*first);
        const bool alike = std::all_of(first, first + result.keys, [&](std::int32_t column) { return column == *first; });
        const bool cancels = std::fabs(q.change->scale[q_column] * k.change->scale[k_column] - 1.0F) <= kCancel;
        if (!alike || !cancels || q.change->shift[q_column] != 0.0F) {
          return set_gap(value, "the scales folded into its two operands do not cancel");
        }
        result.shift.push_back(k.change->shift[k_column] * k.factor);
      }
    }
    changes_[value].keys = std::move(result);
  }

  const TypedGraph& typed_;
  const Graph& graph_;
  const std::map<ValueId, const OutputChange*>& roots_;
  std::set<ValueId> wanted_;
  std::map<ValueId, NodeId> last_reader_;
  std::map<ValueId, ValueChange> changes_;
};

}  // namespace

void ElementChange::apply(std::span<float> values) const {
  for (std::size_t at = 0; at < values.size(); ++at) {
    const auto column = static_cast<std::size_t>(columns.columns[at]);
    values[at] = values[at] / change->scale[column] + factor * change->shift[column];
  }
}

void ElementChange::undo(std::span<float> values) const {
  for (std::size_t at = 0; at < values.size(); ++at) {
    const auto column = static_cast<std::size_t>(columns.columns[at]);
    values[at] = (values[at] - factor * change->shift[column]) * change->scale[column];
  }
}

void KeyShift::undo(std::span<float> scores, std::span<const float> query_rows) const {
  const auto width = static_cast<std::size_t>(dim);
  const std::size_t count = query_rows.size() / width;
  for (std::size_t row = 0; row < count; ++row) {
    const float* moved = shift.data() + row / static_cast<std::size_t>(rows) * width;
    double sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += static_cast<double>(query_rows[row * width + c]) * static_cast<double>(moved[c]);
    for (float& score : scores.subspan(row * static_cast<std::size_t>(keys), static_cast<std::size_t>(keys))) {
      score -= static_cast<float>(sum);
    }
  }
}

std::map<ValueId, ValueChange> find_value_changes(const TypedGraph& other, const std::map<ValueId, const OutputChange*>& roots,
                                                  const std::vector<ValueId>& wanted) {
  if (roots.empty()) return {};
  return ChangeFlow(other, roots, wanted).run();
}

}  // namespace nq
