#include "nq/inspect.hpp"

#include <algorithm>
#include <set>

#include "core/check.hpp"
#include "nq/executor.hpp"
#include "pipeline/architecture.hpp"
#include "pipeline/calibration_estimate.hpp"
#include "pipeline/existing_quantization.hpp"
#include "pipeline/noise_report.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {
namespace {

std::vector<Endpoint> endpoints(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<Endpoint> result;
  for (const ValueId id : ids) {
    const Value& value = graph.value(id);
    result.push_back({value.name, value.declared.value_or(DeclaredType{})});
  }
  return result;
}

std::int64_t count_parameters(const Graph& graph) {
  std::int64_t count = 0;
  for (std::size_t index = 0; index < graph.num_values(); ++index) {
    const Tensor* constant = graph.constant(ValueId{static_cast<std::int32_t>(index)});
    if (constant != nullptr && is_float(constant->dtype()) && constant->shape().rank() > 0) {
      count += constant->elements();
    }
  }
  return count;
}

/// A batch of one; other open dimensions from `given`.
Shape planned_shape(const Value& value, const std::optional<Shape>& given) {
  const DeclaredType& declared = *value.declared;
  const bool usable = given && given->rank() == static_cast<int>(declared.dims.size());
  Shape shape;
  for (int axis = 0; axis < static_cast<int>(declared.dims.size()); ++axis) {
    const Dim& dim = declared.dims[static_cast<std::size_t>(axis)];
    NQ_CHECK(dim.is_static() || usable || axis == 0, usage,
             "dimension {} of model input '{}' is open: give --input-shape", axis, value.name);
    shape.push_back(dim.is_static() ? dim.value : usable ? (*given)[axis] : 1);
  }
  return shape;
}

Specialization planned_inputs(const Graph& graph, const std::optional<Shape>& given) {
  Specialization spec;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    if (value.declared && value.declared->has_shape) spec.shapes[value.name] = planned_shape(value, given);
  }
  return spec;
}

InspectedSite describe_site(const LinearSite& site) {
  InspectedSite result;
  result.name = site.name;
  result.origin = site.origin;
  result.kind = site.kind;
  result.role = site.role;
  result.input_from = site.input_from;
  result.c_in = site.c_in;
  result.c_out = site.c_out;
  result.tokens = site.tokens;
  result.has_bias = site.bias.has_value();
  result.parameters = site.parameters();
  result.macs = site.macs();
  return result;
}

/// Reads channels picked by a Gather over the last axis; a token picked by a scalar index is none.
bool reads_gathered_channels(const TypedGraph& typed, const LinearSite& site) {
  const NodeId producer = typed.graph.value(site.x).producer;
  if (!producer.valid() || typed.graph.node(producer).op_type != "Gather") return false;
  const Node& gather = typed.graph.node(producer);
  const std::int64_t rank = typed.type(gather.inputs[0]).shape.rank();
  const std::int64_t axis = attr_int(gather, "axis", 0);
  return (axis == -1 || axis == rank - 1) && typed.type(gather.inputs[1]).shape.rank() == 1;
}

void describe_products(const TypedGraph& typed, const SiteSearch& found, const SiteSelection& selection,
                       Inspection& result) {
  std::vector<SkippedSite> skipped;
  const std::vector<SelectedAttention> selected = select_attention(found, selection, skipped);
  const auto is_selected = [&](const ProductSite& site) {
    return std::any_of(selected.begin(), selected.end(), [&](const SelectedAttention& item) {
      return (item.scores && item.site.scores.node == site.node) || (item.values && item.site.values.node == site.node);
    });
  };
  // select_attention lists what it leaves out in the order of the products.
  auto next_skipped = skipped.begin();
  for (const AttentionSite& attention : found.attention) {
    for (const ProductSite* site : {&attention.scores, &attention.values}) {
      InspectedProduct entry{site->name, site->origin, site->role, site->macs, {}, existing_quantizer(typed, site->left),
                             existing_quantizer(typed, site->right)};
      if (!is_selected(*site)) entry.skip_reason = (next_skipped++)->reason;
      if (entry.existing()) entry.skip_reason = "already quantized";
      result.products.push_back(std::move(entry));
    }
  }
}

/// Returns the groups that would be quantized.
std::vector<SiteGroup> describe_sites(const ModelFile& model, const Graph& source, const TypedGraph& typed,
                                      const SiteSelection& selection, Inspection& result) {
  SiteSearch found = find_linear_sites(typed);
  std::vector<SkippedSite> skipped;
  std::set<std::string> selected;
  const std::vector<LinearSite> chosen = select_sites(found, selection, skipped);
  for (const LinearSite& site : chosen) selected.insert(site.origin);
  // select_sites lists what it leaves out in the order of the sites.
  auto next_skipped = skipped.begin();
  std::vector<LinearSite> quantized;
  for (const LinearSite& site : found.sites) {
    InspectedSite entry = describe_site(site);
    if (!selected.contains(site.origin)) entry.skip_reason = (next_skipped++)->reason;
    entry.existing = existing_quantization(source, typed, site);
    entry.side_path = !entry.existing && reads_gathered_channels(typed, site);
    if (entry.existing) {
      entry.skip_reason = "already quantized";
      quantized.push_back(site);
    }
    result.sites.push_back(std::move(entry));
  }
  result.noise = noise_report(model, typed, quantized, result.parameters);
  result.parts = find_architecture(typed, found);
  result.family = family_of(result.parts);
  describe_products(typed, found, selection, result);
  result.rejected = std::move(found.rejected);
  return group_sites(chosen);
}

}  // namespace

Inspection inspect(const ModelFile& model, const InspectOptions& options) {
  const Graph graph = model.to_graph();
  Inspection result;
  result.inputs = endpoints(graph, graph.inputs);
  result.outputs = endpoints(graph, graph.outputs);
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    ++result.operators[node.domain.empty() ? node.op_type : node.domain + "." + node.op_type];
  }
  result.parameters = count_parameters(graph);
  result.unsupported = unsupported_nodes(graph, builtin_ops());
  if (!result.unsupported.empty()) return result;
  const TypedGraph typed = specialize(graph, planned_inputs(graph, options.input_shape));
  const std::vector<SiteGroup> groups = describe_sites(model, graph, typed, options.selection, result);
  result.arena_bytes = measure_arena(typed);
  result.estimate = estimate_calibration(typed, groups, result.arena_bytes);
  return result;
}

}  // namespace nq
