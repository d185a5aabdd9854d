#include "pipeline/noise_report.hpp"

#include <map>
#include <set>

#include "pipeline/qdq_product.hpp"

namespace nq {
namespace {

/// An Add of one constant per channel in front of the quantizer of `x`, a Clip between them passed over.
bool has_noise_add(const Graph& graph, const LinearSite& site) {
  const auto operand = read_operand(graph, site.x);
  if (!operand || operand->quantize == nullptr) return false;
  const Node* node = maker_of(graph, operand->quantize->inputs.front());
  if (node != nullptr && node->op_type == "Clip") node = maker_of(graph, node->inputs.front());
  if (node == nullptr || node->op_type != "Add") return false;
  for (const ValueId input : node->inputs) {
    const Tensor* constant = graph.constant(input);
    if (constant != nullptr && constant->elements() == site.c_in) return true;
  }
  return false;
}

bool draws_noise(const ModelFile& model) {
  static const std::set<std::string, std::less<>> methods = {"noisyquant", "noisyquant-repo", "best"};
  const auto method = model.metadata("nqcli.method");
  return method && methods.contains(*method);
}

}  // namespace

std::optional<NoiseOverhead> noise_report(const ModelFile& model, const TypedGraph& typed,
                                          const std::vector<LinearSite>& quantized, std::int64_t float_parameters) {
  std::map<ValueId, NoisyInput> inputs;
  std::int64_t parameters = float_parameters;
  bool is_stored = false;
  for (const LinearSite& site : quantized) {
    NoisyInput& input = inputs[site.x];
    input.c_in = site.c_in;
    input.c_out += site.c_out;
    input.tokens = site.tokens;
    input.is_stored = has_noise_add(typed.graph, site);
    is_stored = is_stored || input.is_stored;
    parameters += site.c_in * site.c_out;  // its weight is stored as codes
  }
  if (inputs.empty() || (!is_stored && !draws_noise(model))) return std::nullopt;
  std::vector<NoisyInput> list;
  for (const auto& [value, input] : inputs) list.push_back(input);
  return noise_overhead(list, parameters);
}

}  // namespace nq
