#include "quantized_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace nq {

Json json_quantized_set(const Inspection& inspection) {
  Json quantized = Json::array();
  Json left_float = Json::array();
  for (const InspectedSite& site : inspection.sites) {
    if (!site.existing) {
      left_float.push_back(site.name);
      continue;
    }
    quantized.push_back({{"name", site.name},
                         {"weight_bits", site.existing->weight_bits},
                         {"activation_bits", site.existing->activation_bits}});
  }
  return {{"linear_layers", inspection.sites.size()}, {"quantized", quantized}, {"float", left_float}};
}

std::string quantized_set_text(const Inspection& inspection) {
  std::set<std::string> forms;
  std::vector<std::string> left_float;
  for (const InspectedSite& site : inspection.sites) {
    if (!site.existing)
      left_float.push_back(site.name);
    else
      forms.insert(fmt::format("W{}A{}", site.existing->weight_bits, site.existing->activation_bits));
  }
  if (forms.empty()) return "no linear layer: the model is float";
  const std::size_t quantized = inspection.sites.size() - left_float.size();
  std::string text =
      fmt::format("{} of {} linear layers at {}", quantized, inspection.sites.size(), fmt::join(forms, ", "));
  if (!left_float.empty()) text += fmt::format("; float: {}", fmt::join(left_float, ", "));
  return text;
}

}  // namespace nq
