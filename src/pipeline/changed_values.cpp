#include "pipeline/changed_values.hpp"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/check.hpp"
#include "pipeline/base64.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/site_fit.hpp"

namespace nq {
namespace {

using Json = nlohmann::ordered_json;

std::string encode(const std::vector<float>& values) {
  std::vector<std::int8_t> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return base64_encode(bytes);
}

std::vector<float> decode(const std::string& text) {
  const auto bytes = base64_decode(text);
  NQ_CHECK(bytes.size() % sizeof(float) == 0, input, "is damaged");
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  for (const float value : values) NQ_CHECK(std::isfinite(value), input, "holds numbers that are not finite");
  return values;
}

Json json_of(const std::map<std::string, OutputChange>& changes) {
  Json json = Json::object();
  for (const auto& [origin, change] : changes) json[origin] = {{"scale", encode(change.scale)}, {"shift", encode(change.shift)}};
  return json;
}

std::map<std::string, OutputChange> read_changes(const JsonReader& reader) {
  std::map<std::string, OutputChange> changes;
  for (const auto& [origin, value] : reader.items()) {
    const JsonReader item(value, reader.path() + "." + origin);
    OutputChange change{decode(item.get<std::string>("scale")), decode(item.get<std::string>("shift"))};
    NQ_CHECK(change.scale.size() == change.shift.size(), input, "has {} scales and {} shifts for '{}'", change.scale.size(),
             change.shift.size(), origin);
    changes[origin] = std::move(change);
  }
  return changes;
}

}  // namespace

ChangedValues changed_values(const std::vector<BoundGroup>& groups, const OutputChanges& changes, const EmitOptions& options) {
  ChangedValues changed;
  changed.outputs = changes.by_origin;
  for (const BoundGroup& bound : groups) {
    if (!changes.served.contains(bound.group.leader().origin)) continue;
    const auto width = static_cast<std::size_t>(bound.group.c_in());
    OutputChange change{bound.recipes.front()->channel_scale, {}};
    if (options.fold_noise) change.shift = emitted_noise(*bound.recipes.front());
    if (change.scale.empty()) change.scale.assign(width, 1.0F);
    if (change.shift.empty()) change.shift.assign(width, 0.0F);
    for (const LinearSite& site : bound.group.sites) changed.inputs[site.origin] = change;
  }
  return changed;
}

std::string changed_values_to_json(const ChangedValues& changed) {
  if (changed.outputs.empty()) return {};
  return Json{{"outputs", json_of(changed.outputs)}, {"inputs", json_of(changed.inputs)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ChangedValues read_changed_values(const ModelFile& model) {
  const auto text = model.metadata(kChangedValuesKey);
  if (!text) return {};
  return with_context(
      [&] {
        const Json json = parse_untrusted(*text);
        const JsonReader reader(json, "changed_values");
        return ChangedValues{read_changes(reader.object("outputs")), read_changes(reader.object("inputs"))};
      },
      [&] { return fmt::format("in metadata {} of '{}'", kChangedValuesKey, model.path().string()); });
}

}  // namespace nq
