#include "pipeline/layer_compare.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "core/check.hpp"
#include "graph/passes/passes.hpp"

namespace nq {
namespace {

Tensor copy_of(const TensorView& view) {
  Tensor tensor(*view.type);
  std::memcpy(tensor.mutable_data(), view.data, tensor.bytes());
  return tensor;
}

/// The part of a value that belongs to the first `images` of the batch it was planned with.
std::vector<float> image_part(const TensorView& view, std::int64_t images, std::int64_t batch) {
  std::vector<float> values = to_vector<float>(view);
  values.resize(values.size() / static_cast<std::size_t>(batch) * static_cast<std::size_t>(images));
  return values;
}

/// x / scale + shift along the last axis.
Tensor changed(const Tensor& tensor, const OutputChange* change) {
  if (change == nullptr || tensor.dtype() != DType::f32 || tensor.shape().back() != static_cast<std::int64_t>(change->scale.size())) {
    return tensor;
  }
  std::vector<float> values = to_vector<float>(tensor.view());
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::size_t column = k % change->scale.size();
    values[k] = values[k] / change->scale[column] + change->shift[column];
  }
  return Tensor::of(tensor.shape(), values);
}

/// Layers whose own error can be measured.
bool has_local(const LayerPair& pair) { return pair.quantized && pair.gap.empty(); }

}  // namespace

struct LayerComparer::Runners {
  std::optional<Executor> reference;
  std::optional<Executor> other;
  std::optional<Executor> local;
};

LayerComparer::LayerComparer(TypedGraph reference, TypedGraph other, ChangedValues changed, KernelChoice kernels, bool layers,
                             LayerWatch* watch)
    : reference_graph_(reference), changed_(std::move(changed)), pairing_(layers ? pair_layers(reference, other) : LayerPairing{}), watch_(watch), runners_(std::make_unique<Runners>()) {
  drop_shifted_products(other);
  if (watch_ != nullptr) wanted_ = watch_->begin(reference, other, pairing_.pairs);
  sums_.resize(pairing_.pairs.size());
  PlanOptions reference_options;
  PlanOptions other_options;
  reference_options.kernels = other_options.kernels = kernels;
  for (const LayerPair& pair : pairing_.pairs) {
    reference_options.taps.push_back(pair.reference_value);
    other_options.taps.push_back(pair.other_value);
    if (!has_local(pair)) continue;
    for (const ValueId cut : pair.cuts) {
      reference_options.taps.push_back(*reference.graph.find_value(other.graph.value(cut).name));
    }
  }
  reference_options.taps.insert(reference_options.taps.end(), wanted_.reference.begin(), wanted_.reference.end());
  build_local_plan(other, kernels);
  runners_->reference.emplace(make_plan(std::move(reference), reference_options));
  runners_->other.emplace(make_plan(std::move(other), other_options));
}

LayerComparer::~LayerComparer() = default;

/// Products of softmax rows with changed values carry the change too, and nothing says at which columns.
void LayerComparer::drop_shifted_products(const TypedGraph& other) {
  const Graph& graph = other.graph;
  std::set<ValueId> tainted;
  for (const LayerPair& pair : pairing_.pairs) {
    if (changed_.outputs.contains(pair.origin)) tainted.insert(pair.other_value);
  }
  std::set<std::string> dropped;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (std::none_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) { return tainted.contains(input); })) continue;
    if (changed_.inputs.contains(node.origin) || node.op_type == "QuantizeLinear") continue;
    const Node* left = node.op_type == "MatMul" && graph.value(node.inputs[0]).producer.valid()
                           ? &graph.node(graph.value(node.inputs[0]).producer)
                           : nullptr;
    const bool weighs_values = left != nullptr && left->op_type == "Softmax";
    if (node.op_type == "MatMul" && !weighs_values) continue;
    if (weighs_values) dropped.insert(node.origin);
    tainted.insert(node.outputs.begin(), node.outputs.end());
  }
  std::erase_if(pairing_.pairs, [&](const LayerPair& pair) {
    if (!dropped.contains(pair.origin)) return false;
    pairing_.unmatched.push_back(pair.name);
    return true;
  });
}

std::vector<float> LayerComparer::restored(const LayerPair& pair, std::vector<float> result) const {
  const auto found = changed_.outputs.find(pair.origin);
  if (found == changed_.outputs.end() || found->second.scale.empty() || result.size() % found->second.scale.size() != 0) return result;
  const OutputChange& change = found->second;
  for (std::size_t k = 0; k < result.size(); ++k) {
    const std::size_t column = k % change.scale.size();
    result[k] = (result[k] - change.shift[column]) * change.scale[column];
  }
  return result;
}

/// The other model cut into its layers: every cut value becomes an input, every layer's output an output.
void LayerComparer::build_local_plan(TypedGraph other, KernelChoice kernels) {
  std::map<ValueId, ValueId> inputs;
  std::map<ValueId, const OutputChange*> changes;
  std::vector<ValueId> outputs;
  Graph& graph = other.graph;
  const std::vector<ValueId> model_inputs = graph.inputs;
  for (std::size_t k = 0; k < pairing_.pairs.size(); ++k) {
    const LayerPair& pair = pairing_.pairs[k];
    if (!has_local(pair)) continue;
    local_pairs_.push_back(k);
    outputs.push_back(pair.other_value);
    const auto change = changed_.inputs.find(pair.origin);
    for (const ValueId cut : pair.cuts) {
      inputs.emplace(cut, ValueId{});
      if (change != changed_.inputs.end()) changes[cut] = &change->second;
    }
  }
  if (outputs.empty()) return;
  graph.inputs.clear();
  for (auto& [cut, input] : inputs) {
    const std::string name = graph.value(cut).name;
    local_inputs_.push_back(*reference_graph_.graph.find_value(name));
    local_changes_.push_back(changes.contains(cut) ? changes.at(cut) : nullptr);
    if (std::find(model_inputs.begin(), model_inputs.end(), cut) != model_inputs.end()) {
      input = cut;
    } else {
      input = graph.add_value(name + "/exact");
      other.types.resize(graph.num_values());
      other.types[static_cast<std::size_t>(input.index)] = other.type(cut);
      graph.replace_uses(cut, input);
    }
    graph.inputs.push_back(input);
  }
  for (const ValueId value : wanted_.other) {
    const auto input = inputs.find(value);
    if (input == inputs.end()) {
      wanted_places_.push_back({false, outputs.size()});
      outputs.push_back(value);
    } else {
      wanted_places_.push_back({true, static_cast<std::size_t>(std::distance(inputs.begin(), input))});
    }
  }
  graph.outputs = outputs;
  eliminate_dead(graph);
  PlanOptions options;
  options.kernels = kernels;
  runners_->local.emplace(make_plan(std::move(other), options));
}

LayerComparer::Logits LayerComparer::run(const Tensor& input, std::int64_t images) {
  values_.clear();
  for (const ValueId id : reference_graph_.graph.inputs) values_[id] = input;
  const std::int64_t batch = input.shape()[0];
  Logits logits;
  const auto keep = [&](ValueId value, const TensorView& view) { values_[value] = copy_of(view); };
  logits.reference = to_vector<float>(runners_->reference->run({&input, 1}, keep).front().view());
  const auto measure = [&](ValueId value, const TensorView& view) {
    for (std::size_t k = 0; k < pairing_.pairs.size(); ++k) {
      const LayerPair& pair = pairing_.pairs[k];
      if (pair.other_value != value) continue;
      const std::vector<float> expected = image_part(values_.at(pair.reference_value).view(), images, batch);
      sums_[k].accumulated.add(expected, restored(pair, image_part(view, images, batch)));
      sums_[k].values += static_cast<std::int64_t>(expected.size());
    }
  };
  logits.other = to_vector<float>(runners_->other->run({&input, 1}, measure).front().view());
  measure_local(input, images);
  return logits;
}

void LayerComparer::measure_local(const Tensor& input, std::int64_t images) {
  if (!runners_->local) return;
  std::vector<Tensor> exact;
  for (std::size_t k = 0; k < local_inputs_.size(); ++k) exact.push_back(changed(values_.at(local_inputs_[k]), local_changes_[k]));
  const std::vector<Tensor> outputs = runners_->local->run(exact);
  const std::int64_t batch = input.shape()[0];
  std::vector<std::vector<float>> restored_outputs(pairing_.pairs.size());
  for (std::size_t k = 0; k < local_pairs_.size(); ++k) {
    const LayerPair& pair = pairing_.pairs[local_pairs_[k]];
    std::vector<float> output = restored(pair, image_part(outputs[k].view(), images, batch));
    sums_[local_pairs_[k]].local.add(image_part(values_.at(pair.reference_value).view(), images, batch), output);
    if (watch_ != nullptr) restored_outputs[local_pairs_[k]] = std::move(output);
  }
  if (watch_ != nullptr) show_watch(exact, outputs, std::move(restored_outputs), images, batch);
}

void LayerComparer::show_watch(const std::vector<Tensor>& exact, const std::vector<Tensor>& outputs,
                               std::vector<std::vector<float>> restored_outputs, std::int64_t images, std::int64_t batch) {
  LayerWatch::Seen seen;
  seen.images = images;
  seen.batch = batch;
  for (const ValueId value : wanted_.reference) seen.reference.push_back(values_.at(value).view());
  for (const WantedPlace& place : wanted_places_) {
    seen.other.push_back((place.is_input ? exact : outputs)[place.index].view());
  }
  for (const LayerPair& pair : pairing_.pairs) {
    seen.reference_outputs.push_back(image_part(values_.at(pair.reference_value).view(), images, batch));
  }
  seen.other_outputs = std::move(restored_outputs);
  watch_->see(seen);
}

std::vector<LayerComparison> LayerComparer::results() const {
  std::vector<LayerComparison> results;
  for (std::size_t k = 0; k < pairing_.pairs.size(); ++k) {
    const LayerPair& pair = pairing_.pairs[k];
    LayerComparison layer;
    layer.name = pair.name;
    layer.origin = pair.origin;
    layer.value = reference_graph_.graph.value(pair.reference_value).name;
    layer.c_out = pair.c_out;
    layer.quantized = pair.quantized;
    const auto values = static_cast<double>(std::max<std::int64_t>(sums_[k].values, 1));
    layer.accumulated_sqnr_db = sums_[k].accumulated.sqnr_db();
    layer.accumulated_mse = sums_[k].accumulated.noise / values;
    layer.local_gap = !pair.gap.empty() ? pair.gap : pair.quantized ? "" : "it is not quantized";
    if (has_local(pair)) {
      layer.local_sqnr_db = sums_[k].local.sqnr_db();
      layer.local_mse = sums_[k].local.noise / values;
    }
    results.push_back(std::move(layer));
  }
  return results;
}

}  // namespace nq
