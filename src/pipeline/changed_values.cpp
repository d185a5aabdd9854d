#include "pipeline/changed_values.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/check.hpp"
#include "pipeline/base64.hpp"
#include "pipeline/json_reader.hpp"

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
    const bool divides = std::all_of(change.scale.begin(), change.scale.end(), [](float scale) { return scale != 0.0F; });
    NQ_CHECK(divides, input, "has a scale of 0 for '{}'", origin);
    changes[origin] = std::move(change);
  }
  return changes;
}

}  // namespace

std::string changed_outputs_to_json(const std::map<std::string, OutputChange>& outputs) {
  if (outputs.empty()) return {};
  return Json{{"outputs", json_of(outputs)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::map<std::string, OutputChange> read_changed_outputs(const ModelFile& model) {
  const auto text = model.metadata(kChangedValuesKey);
  if (!text) return {};
  return with_context(
      [&] {
        const Json json = parse_untrusted(*text);
        return read_changes(JsonReader(json, "changed_values").object("outputs"));
      },
      [&] { return fmt::format("in metadata {} of '{}'", kChangedValuesKey, model.path().string()); });
}

}  // namespace nq
