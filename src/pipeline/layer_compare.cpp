#include "pipeline/layer_compare.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "core/check.hpp"
#include "core/float_tensor.hpp"
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

Tensor changed_copy(const Tensor& tensor, const ValueChange* change) {
  if (change == nullptr || !change->elements) return tensor;
  std::vector<float> values = to_vector<float>(tensor.view());
  change->elements->apply(values);
  return from_float32(Tensor::of(tensor.shape(), values), tensor.dtype());
}

/// Layers whose own error can be measured.
bool has_local(const LayerPair& pair) { return pair.quantized && pair.gap.empty(); }

}  // namespace

struct LayerComparer::Runners {
  std::optional<Executor> reference;
  std::optional<Executor> other;
  std::optional<Executor> local;
};

LayerComparer::LayerComparer(TypedGraph reference, TypedGraph other, std::map<std::string, OutputChange> changed, KernelChoice kernels, bool layers,
                             LayerWatch* watch)
    : reference_graph_(reference), recorded_(std::move(changed)), pairing_(layers ? pair_layers(reference, other) : LayerPairing{}), watch_(watch), runners_(std::make_unique<Runners>()) {
  follow_changes(other);
  if (watch_ != nullptr) wanted_ = watch_->begin(reference, other, pairing_.pairs);
  sums_.resize(pairing_.pairs.size());
  PlanOptions reference_options;
  PlanOptions other_options;
  reference_options.kernels = other_options.kernels = kernels;
  for (const LayerPair& pair : pairing_.pairs) {
    reference_options.taps.push_back(pair.reference_value);
    other_options.taps.push_back(pair.other_value);
    if (const KeyShift* shift = key_shift(pair)) query_values_.insert(shift->queries);
    if (!has_local(pair)) continue;
    for (const ValueId cut : pair.cuts) {
      reference_options.taps.push_back(*reference.graph.find_value(other.graph.value(cut).name));
    }
  }
  reference_options.taps.insert(reference_options.taps.end(), wanted_.reference.begin(), wanted_.reference.end());
  other_options.taps.insert(other_options.taps.end(), query_values_.begin(), query_values_.end());
  build_local_plan(other, kernels);
  runners_->reference.emplace(make_plan(std::move(reference), reference_options));
  runners_->other.emplace(make_plan(std::move(other), other_options));
}

LayerComparer::~LayerComparer() = default;

/// Learns what each layer's values in the other model mean; a layer of which that cannot be told is not compared.
void LayerComparer::follow_changes(const TypedGraph& other) {
  std::map<ValueId, const OutputChange*> roots;
  std::vector<ValueId> wanted;
  for (const LayerPair& pair : pairing_.pairs) {
    if (const auto found = recorded_.find(pair.origin); found != recorded_.end()) roots[pair.other_value] = &found->second;
    wanted.push_back(pair.other_value);
    wanted.insert(wanted.end(), pair.cuts.begin(), pair.cuts.end());
  }
  changes_ = find_value_changes(other, roots, wanted);
  std::erase_if(pairing_.pairs, [&](const LayerPair& pair) {
    const ValueChange* change = change_of(pair.other_value);
    if (change == nullptr || change->gap.empty()) return false;
    pairing_.unmatched.push_back({pair.name, change->gap});
    return true;
  });
  for (LayerPair& pair : pairing_.pairs) {
    for (const ValueId cut : pair.cuts) {
      const ValueChange* change = change_of(cut);
      if (change != nullptr && !change->elements && pair.gap.empty()) pair.gap = change->gap.empty() ? "its input is shifted by row" : change->gap;
    }
  }
}

const ValueChange* LayerComparer::change_of(ValueId value) const {
  const auto found = changes_.find(value);
  return found == changes_.end() ? nullptr : &found->second;
}

const KeyShift* LayerComparer::key_shift(const LayerPair& pair) const {
  const ValueChange* change = change_of(pair.other_value);
  return change != nullptr && change->keys ? &*change->keys : nullptr;
}

std::vector<float> LayerComparer::restored(const LayerPair& pair, std::vector<float> values, std::span<const float> queries) const {
  const ValueChange* change = change_of(pair.other_value);
  if (change != nullptr && change->elements) change->elements->undo(values);
  if (change != nullptr && change->keys) change->keys->undo(values, queries);
  return values;
}

/// The other model cut into its layers: every cut value becomes an input, every layer's output an output.
void LayerComparer::build_local_plan(TypedGraph other, KernelChoice kernels) {
  std::map<ValueId, ValueId> inputs;
  std::vector<ValueId> outputs;
  Graph& graph = other.graph;
  const std::vector<ValueId> model_inputs = graph.inputs;
  for (std::size_t k = 0; k < pairing_.pairs.size(); ++k) {
    const LayerPair& pair = pairing_.pairs[k];
    if (!has_local(pair)) continue;
    local_pairs_.push_back(k);
    outputs.push_back(pair.other_value);
    for (const ValueId cut : pair.cuts) inputs.emplace(cut, ValueId{});
  }
  if (outputs.empty()) return;
  graph.inputs.clear();
  for (auto& [cut, input] : inputs) {
    const std::string name = graph.value(cut).name;
    local_inputs_.push_back(*reference_graph_.graph.find_value(name));
    local_changes_.push_back(change_of(cut));
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
  const auto place_of = [&](ValueId value) -> LocalPlace {
    const auto input = inputs.find(value);
    if (input != inputs.end()) return {true, static_cast<std::size_t>(std::distance(inputs.begin(), input))};
    outputs.push_back(value);
    return {false, outputs.size() - 1};
  };
  for (const ValueId value : wanted_.other) wanted_places_.push_back(place_of(value));
  for (const std::size_t k : local_pairs_) {
    const KeyShift* shift = key_shift(pairing_.pairs[k]);
    if (shift == nullptr) continue;
    query_places_[k] = place_of(shift->queries);
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
  std::map<ValueId, std::vector<float>> queries;
  const auto measure = [&](ValueId value, const TensorView& view) {
    if (query_values_.contains(value)) queries[value] = image_part(view, images, batch);
    for (std::size_t k = 0; k < pairing_.pairs.size(); ++k) {
      const LayerPair& pair = pairing_.pairs[k];
      if (pair.other_value != value) continue;
      const std::vector<float> expected = image_part(values_.at(pair.reference_value).view(), images, batch);
      const KeyShift* shift = key_shift(pair);
      const std::span<const float> read = shift == nullptr ? std::span<const float>() : queries.at(shift->queries);
      sums_[k].accumulated.add(expected, restored(pair, image_part(view, images, batch), read));
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
  for (std::size_t k = 0; k < local_inputs_.size(); ++k) exact.push_back(changed_copy(values_.at(local_inputs_[k]), local_changes_[k]));
  const std::vector<Tensor> outputs = runners_->local->run(exact);
  const std::int64_t batch = input.shape()[0];
  std::vector<std::vector<float>> restored_outputs(pairing_.pairs.size());
  for (std::size_t k = 0; k < local_pairs_.size(); ++k) {
    const LayerPair& pair = pairing_.pairs[local_pairs_[k]];
    std::vector<float> queries;
    if (const auto place = query_places_.find(local_pairs_[k]); place != query_places_.end()) {
      queries = image_part((place->second.is_input ? exact : outputs)[place->second.index].view(), images, batch);
    }
    std::vector<float> output = restored(pair, image_part(outputs[k].view(), images, batch), queries);
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
  for (const LocalPlace& place : wanted_places_) {
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
