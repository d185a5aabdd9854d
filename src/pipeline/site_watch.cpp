#include "pipeline/site_watch.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/parallel.hpp"
#include "core/rng.hpp"
#include "graph/graph_walk.hpp"
#include "pipeline/existing_quantization.hpp"
#include "pipeline/qdq_product.hpp"

namespace nq {
namespace {

/// Rows of a layer's input that are kept for its search curves.
constexpr std::int64_t kSampledRows = 512;
/// Quantizers with more codes than this are described without a count of each.
constexpr std::int64_t kMostCodes = 4096;

std::span<const float> real_part(const TensorView& view, const LayerWatch::Seen& seen) {
  return view.span<float>().first(static_cast<std::size_t>(view.elements() / seen.batch * seen.images));
}

/// The product with a quantized operand that makes `value`, biases and the float side path passed over.
const Node* quantized_product(const Graph& graph, ValueId value) {
  std::vector<ValueId> open{value};
  std::set<std::int32_t> seen;
  while (!open.empty() && seen.size() < 64) {
    const ValueId next = open.back();
    open.pop_back();
    if (!next.valid() || graph.constant(next) != nullptr || !graph.value(next).producer.valid()) continue;
    const Node& node = graph.node(graph.value(next).producer);
    if (!seen.insert(node.id.index).second) continue;
    if (is_product(node)) {
      if (read_operand(graph, node.inputs[0])) return &node;
      continue;
    }
    open.insert(open.end(), node.inputs.rbegin(), node.inputs.rend());
  }
  return nullptr;
}

/// The value that is quantized, before the Clip that stands for the range of codes.
ValueId before_quantizer(const Graph& graph, const QuantizedOperand& operand) {
  const ValueId value = operand.quantize->inputs.front();
  const Node* clip = maker_of(graph, value);
  return clip != nullptr && clip->op_type == "Clip" ? clip->inputs.front() : value;
}

int bits_of(std::int64_t codes) {
  int bits = 1;
  while ((std::int64_t{1} << bits) < codes) ++bits;
  return bits;
}

void describe_weight(const QuantizedOperand& weight, SiteView& view) {
  view.weight_bits = code_bits(*weight.codes);
  if (weight.scales.empty()) return;
  const auto [low, high] = std::minmax_element(weight.scales.begin(), weight.scales.end());
  view.weight_scale_min = *low;
  view.weight_scale_max = *high;
}

std::size_t place_in(std::vector<ValueId>& list, ValueId value) {
  const auto found = std::find(list.begin(), list.end(), value);
  if (found != list.end()) return static_cast<std::size_t>(found - list.begin());
  list.push_back(value);
  return list.size() - 1;
}

bool is_float32(const TypedGraph& typed, ValueId value) {
  return value.valid() && typed.graph.constant(value) == nullptr && typed.type(value).dtype == DType::f32;
}

}  // namespace

LayerWatch::Wanted SiteWatch::begin(const TypedGraph& reference, const TypedGraph& other,
                                    const std::vector<LayerPair>& pairs) {
  std::map<std::string, LinearSite> linear;
  for (LinearSite& site : find_linear_sites(reference).sites) linear.emplace(site.origin, std::move(site));
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (pairs[k].quantized && pairs[k].gap.empty()) add_site(reference, other, pairs[k], k, linear);
  }
  return wanted_;
}

void SiteWatch::add_site(const TypedGraph& reference, const TypedGraph& other, const LayerPair& pair, std::size_t place,
                         const std::map<std::string, LinearSite>& linear) {
  const Node* quantized = quantized_product(other.graph, pair.other_value);
  const auto origin = reference.graph.find_value(pair.origin);
  if (quantized == nullptr || !origin) return;
  const Node& product = reference.graph.node(reference.graph.value(*origin).producer);
  Site site;
  site.origin = pair.origin;
  site.pair = place;
  for (std::size_t slot = 0; slot < 2; ++slot) {
    if (is_float32(reference, product.inputs[slot])) site.operands.push_back(place_in(wanted_.reference, product.inputs[slot]));
  }
  const auto [track, is_new] = tracks_.try_emplace(pair.origin);
  if (is_new) {
    track->second.op_type = product.op_type;
    track->second.inputs.resize(site.operands.size());
    site.track = &track->second;
    if (const auto found = linear.find(pair.origin); found != linear.end()) {
      track->second.site = found->second;
      if (sample_rows_) track->second.rows = std::make_unique<SiteObserver>(found->second.c_in, kSampledRows);
    }
  }
  add_quantizers(reference, other, *quantized, site);
  if (const auto weight = read_operand(other.graph, quantized->inputs[1]); weight && weight->is_constant()) {
    describe_weight(*weight, site.view);
  }
  sites_.push_back(std::move(site));
}

void SiteWatch::add_quantizers(const TypedGraph& reference, const TypedGraph& other, const Node& product, Site& site) {
  for (std::size_t slot = 0; slot < 2; ++slot) {
    const auto operand = read_operand(other.graph, product.inputs[slot]);
    if (!operand || operand->quantize == nullptr || operand->scales.size() != 1 || !(operand->scales[0] > 0)) continue;
    const ValueId value = before_quantizer(other.graph, *operand);
    if (!is_float32(other, value)) continue;
    Quantizer quantizer;
    quantizer.view.operand = static_cast<int>(slot);
    quantizer.view.scale = operand->scales[0];
    quantizer.view.zero_point = operand->zero_points[0];
    quantizer.view.code_min = operand->code_min;
    quantizer.code_max = operand->code_max;
    const std::int64_t codes = operand->code_max - operand->code_min + 1;
    quantizer.view.bits = bits_of(codes);
    if (codes <= kMostCodes) quantizer.view.codes.assign(static_cast<std::size_t>(codes), 0);
    quantizer.wanted = place_in(wanted_.other, value);
    const auto& track = tracks_.at(site.origin);
    if (slot == 0 && track.site && site.operands.size() == 1) {
      const ValueId x = wanted_.reference[site.operands[0]];
      if (reference.type(x) == other.type(value) && reference.type(x).shape.back() == track.site->c_in) {
        quantizer.original = site.operands[0];
        quantizer.channels.emplace(track.site->c_in);
      }
    }
    site.quantizers.push_back(std::move(quantizer));
  }
}

void SiteWatch::see(const Seen& seen) {
  ++inputs_seen_;
  parallel_for(0, static_cast<std::int64_t>(sites_.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      Site& site = sites_[static_cast<std::size_t>(k)];
      for (Quantizer& quantizer : site.quantizers) see_quantizer(seen, quantizer);
      site.output.add(seen.other_outputs[site.pair]);
      if (site.track != nullptr) see_reference(seen, site);
    }
  });
}

void SiteWatch::see_quantizer(const Seen& seen, Quantizer& quantizer) {
  const std::span<const float> values = real_part(seen.other[quantizer.wanted], seen);
  quantizer.input.add(values);
  QuantizerView& view = quantizer.view;
  const auto scale = static_cast<float>(view.scale);
  const auto low = static_cast<float>(view.code_min - view.zero_point);
  const auto high = static_cast<float>(quantizer.code_max - view.zero_point);
  for (const float value : values) {
    float steps = std::nearbyint(value / scale);
    steps = std::isnan(steps) ? 0.0F : steps;
    view.clipped += steps < low || steps > high ? 1 : 0;
    if (!view.codes.empty()) ++view.codes[static_cast<std::size_t>(std::clamp(steps, low, high) - low)];
  }
  view.values += static_cast<std::int64_t>(values.size());
  if (quantizer.channels) quantizer.channels->add(real_part(seen.reference[*quantizer.original], seen), values);
}

void SiteWatch::see_reference(const Seen& seen, const Site& site) const {
  ReferenceTrack& track = *site.track;
  for (std::size_t k = 0; k < site.operands.size(); ++k) track.inputs[k].add(real_part(seen.reference[site.operands[k]], seen));
  track.output.add(seen.reference_outputs[site.pair]);
  if (!track.rows) return;
  const std::vector<float> rows = track.site->input_rows(seen.reference[site.operands.front()]);
  const std::int64_t count = track.site->tokens / seen.batch * seen.images;
  track.rows->observe({rows.data(), count, track.site->c_in, track.site->c_in}, mix64(inputs_seen_));
}

std::map<std::string, SiteView> SiteWatch::views() const {
  std::map<std::string, SiteView> views;
  for (const Site& site : sites_) {
    SiteView view = site.view;
    view.output = site.output.histogram();
    for (const Quantizer& quantizer : site.quantizers) {
      view.quantizers.push_back(quantizer.view);
      QuantizerView& last = view.quantizers.back();
      last.input = quantizer.input.histogram();
      if (!quantizer.channels) continue;
      last.noisy_bias = quantizer.channels->noisy_bias(last.scale);
      last.channel_scale = quantizer.channels->channel_scale();
    }
    views.emplace(site.origin, std::move(view));
  }
  return views;
}

}  // namespace nq
