#include "pipeline/layer_compare.hpp"

#include <algorithm>
#include <cstring>
#include <map>

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
std::span<const float> image_part(const TensorView& view, std::int64_t images, std::int64_t batch) {
  return view.span<float>().first(static_cast<std::size_t>(view.elements() / batch * images));
}

/// Layers whose own error can be measured.
bool has_local(const LayerPair& pair) { return pair.quantized && pair.gap.empty(); }

}  // namespace

struct LayerComparer::Runners {
  std::optional<Executor> reference;
  std::optional<Executor> other;
  std::optional<Executor> local;
};

LayerComparer::LayerComparer(TypedGraph reference, TypedGraph other, KernelChoice kernels, bool layers)
    : reference_graph_(reference), pairing_(layers ? pair_layers(reference, other) : LayerPairing{}), runners_(std::make_unique<Runners>()) {
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
  build_local_plan(other, kernels);
  runners_->reference.emplace(make_plan(std::move(reference), reference_options));
  runners_->other.emplace(make_plan(std::move(other), other_options));
}

LayerComparer::~LayerComparer() = default;

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
      const auto expected = image_part(values_.at(pair.reference_value).view(), images, batch);
      sums_[k].accumulated.add(expected, image_part(view, images, batch));
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
  for (const ValueId id : local_inputs_) exact.push_back(values_.at(id));
  const std::vector<Tensor> outputs = runners_->local->run(exact);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const LayerPair& pair = pairing_.pairs[local_pairs_[k]];
    const std::int64_t batch = input.shape()[0];
    sums_[local_pairs_[k]].local.add(image_part(values_.at(pair.reference_value).view(), images, batch),
                                     image_part(outputs[k].view(), images, batch));
  }
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
