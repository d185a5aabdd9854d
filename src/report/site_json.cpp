#include <cmath>
#include <cstring>

#include "pipeline/base64.hpp"
#include "pipeline/json_float.hpp"
#include "pipeline/json_reader.hpp"
#include "report/report_json.hpp"

namespace nq {
namespace {

constexpr std::int64_t kMostBins = 1 << 20;
constexpr std::int64_t kMostCount = std::int64_t{1} << 53;

/// JSON has no infinity: null stands for it.
Json json_number(std::optional<double> value) { return value && std::isfinite(*value) ? Json(*value) : Json(); }

/// The decibels that null stands for.
double read_decibels(const JsonReader& reader, const char* key) {
  return reader.at(key).is_null() ? INFINITY : reader.get<double>(key);
}

std::optional<double> read_optional(const JsonReader& reader, const char* key) {
  if (reader.at(key).is_null()) return std::nullopt;
  return reader.get<double>(key);
}

Histogram read_histogram(const JsonReader& reader) {
  Histogram histogram;
  histogram.exponent = static_cast<int>(reader.bounded("exponent", -300, 300));
  histogram.first = reader.bounded("first", -kMostCount, kMostCount);
  histogram.counts = reader.integers("counts");
  NQ_CHECK(static_cast<std::int64_t>(histogram.counts.size()) <= kMostBins, input, "'{}.counts' is too long", reader.path());
  for (const std::int64_t count : histogram.counts) {
    NQ_CHECK(count >= 0 && count <= kMostCount, input, "'{}.counts' holds {}", reader.path(), count);
  }
  return histogram;
}

constexpr double kMostCode = 32767;

double largest_magnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

/// round(value / largest * kMostCode)
std::vector<std::int16_t> codes_of(const std::vector<double>& values, double largest) {
  std::vector<std::int16_t> codes;
  for (const double value : values) codes.push_back(static_cast<std::int16_t>(std::lround(largest > 0 ? value / largest * kMostCode : 0)));
  return codes;
}

std::vector<double> values_of(const std::vector<std::int16_t>& codes, double largest) {
  std::vector<double> values;
  for (const std::int16_t code : codes) values.push_back(json_float(static_cast<float>(code * largest / kMostCode)));
  return values;
}

template <typename Number>
std::string packed(const std::vector<Number>& numbers) {
  std::vector<std::int8_t> bytes(numbers.size() * sizeof(Number));
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return base64_encode(bytes);
}

template <typename Number>
std::vector<Number> unpacked(const std::string& text, const std::string& path) {
  const auto bytes = base64_decode(text);
  NQ_CHECK(bytes.size() % sizeof(Number) == 0, input, "'{}' holds a damaged list of numbers", path);
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

Json json_quantizer(const QuantizerView& view) {
  return {{"operand", view.operand},
          {"bits", view.bits},
          {"scale", view.scale},
          {"zero_point", view.zero_point},
          {"code_min", view.code_min},
          {"codes", view.codes},
          {"values", view.values},
          {"clipped", view.clipped},
          {"input", json_histogram(view.input)},
          {"noisy_bias", json_codes(view.noisy_bias)},
          {"channel_scale", json_floats(view.channel_scale)}};
}

QuantizerView read_quantizer(const JsonReader& reader) {
  QuantizerView view;
  view.operand = static_cast<int>(reader.bounded("operand", 0, 1));
  view.bits = static_cast<int>(reader.bounded("bits", 1, 32));
  view.scale = reader.get<double>("scale");
  NQ_CHECK(std::isfinite(view.scale) && view.scale > 0, input, "'{}.scale' is not positive", reader.path());
  view.zero_point = reader.bounded("zero_point", -kMostCount, kMostCount);
  view.code_min = reader.bounded("code_min", -kMostCount, kMostCount);
  view.codes = reader.integers("codes");
  view.values = reader.bounded("values", 0, kMostCount);
  view.clipped = reader.bounded("clipped", 0, view.values);
  view.input = read_histogram(reader.object("input"));
  for (const double value : read_floats(reader.at("noisy_bias"), reader.path())) view.noisy_bias.push_back(static_cast<float>(value));
  for (const double value : read_floats(reader.at("channel_scale"), reader.path())) view.channel_scale.push_back(static_cast<float>(value));
  return view;
}

Json json_error(const LayerComparison& error) {
  return {{"quantized", error.quantized},
          {"local_sqnr_db", json_number(error.local_sqnr_db)},
          {"local_mse", json_number(error.local_mse)},
          {"local_gap", error.local_gap},
          {"accumulated_sqnr_db", json_number(error.accumulated_sqnr_db)},
          {"accumulated_mse", error.accumulated_mse}};
}

Json json_curve(const LossCurve& curve) {
  return {{"parameter", curve.parameter}, {"chosen", curve.chosen}, {"ratio", json_floats(curve.ratio)}, {"mse", json_floats(curve.mse)}};
}

LossCurve read_curve(const JsonReader& reader) {
  LossCurve curve{reader.get<std::string>("parameter"), reader.get<double>("chosen"), read_floats(reader.at("ratio"), reader.path()),
                  read_floats(reader.at("mse"), reader.path())};
  NQ_CHECK(curve.ratio.size() == curve.mse.size() && !curve.ratio.empty(), input, "'{}' has {} ratios and {} losses",
           reader.path(), curve.ratio.size(), curve.mse.size());
  return curve;
}

Json json_view(const SiteView& view) {
  Json json = json_error(view.error);
  json["weight_bits"] = view.weight_bits;
  json["weight_scale_min"] = view.weight_scale_min;
  json["weight_scale_max"] = view.weight_scale_max;
  json["output"] = json_histogram(view.output);
  json["quantizers"] = Json::array();
  for (const QuantizerView& quantizer : view.quantizers) json["quantizers"].push_back(json_quantizer(quantizer));
  json["stages"] = Json::array();
  for (const StageLoss& stage : view.stages) json["stages"].push_back({{"stage", stage.stage}, {"mse", stage.mse}});
  json["curves"] = Json::array();
  for (const LossCurve& curve : view.curves) json["curves"].push_back(json_curve(curve));
  return json;
}

SiteView read_view(const JsonReader& reader, const ReportSite& site) {
  SiteView view;
  view.error.name = site.name;
  view.error.origin = site.origin;
  view.error.c_out = site.c_out;
  view.error.quantized = reader.get<bool>("quantized");
  view.error.local_gap = reader.get<std::string>("local_gap");
  view.error.accumulated_sqnr_db = read_decibels(reader, "accumulated_sqnr_db");
  view.error.accumulated_mse = reader.get<double>("accumulated_mse");
  view.error.local_mse = read_optional(reader, "local_mse");
  if (view.error.local_mse) view.error.local_sqnr_db = read_decibels(reader, "local_sqnr_db");
  view.weight_bits = static_cast<int>(reader.bounded("weight_bits", 0, 64));
  view.weight_scale_min = reader.get<double>("weight_scale_min");
  view.weight_scale_max = reader.get<double>("weight_scale_max");
  view.output = read_histogram(reader.object("output"));
  for (const Json& item : reader.list("quantizers")) view.quantizers.push_back(read_quantizer({item, reader.path() + ".quantizers"}));
  for (const Json& item : reader.list("stages")) {
    const JsonReader stage(item, reader.path() + ".stages");
    view.stages.push_back({stage.get<std::string>("stage"), stage.get<double>("mse")});
  }
  for (const Json& item : reader.list("curves")) view.curves.push_back(read_curve({item, reader.path() + ".curves"}));
  return view;
}

}  // namespace

Json json_histogram(const Histogram& histogram) {
  return {{"exponent", histogram.exponent}, {"first", histogram.first}, {"counts", histogram.counts}};
}

Json json_floats(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(json_float(static_cast<float>(value)));
  return list;
}

namespace {

/// Numbers from `from` to `to` in even steps, as search curves are traced.
std::vector<double> even_values(double from, double to, std::int64_t count) {
  std::vector<double> values;
  for (std::int64_t k = 0; k < count; ++k) {
    values.push_back(json_float(static_cast<float>(from + (to - from) * static_cast<double>(k) / static_cast<double>(count - 1))));
  }
  return values;
}

}  // namespace

Json packed_even(const Json& list) {
  const auto values = list.get<std::vector<double>>();
  const auto count = static_cast<std::int64_t>(values.size());
  if (count < 2 || even_values(values.front(), values.back(), count) != values) return packed_floats(list);
  return {{"from", values.front()}, {"to", values.back()}, {"count", count}};
}

Json packed_floats(const Json& list) { return packed(list.get<std::vector<float>>()); }

Json json_codes(const std::vector<float>& values) {
  const std::vector<double> exact(values.begin(), values.end());
  // As it is written, so that packed_codes() finds the same.
  const double largest = json_float(static_cast<float>(largest_magnitude(exact)));
  return json_floats(values_of(codes_of(exact, largest), largest));
}

Json packed_codes(const Json& list) {
  const auto values = list.get<std::vector<double>>();
  const double largest = largest_magnitude(values);
  return {{"largest", largest}, {"codes", packed(codes_of(values, largest))}};
}

std::vector<double> read_floats(const Json& json, const std::string& path) {
  std::vector<double> values;
  if (json.is_string()) {
    for (const float value : unpacked<float>(json.get<std::string>(), path)) values.push_back(json_float(value));
  } else if (json.is_object()) {
    const JsonReader reader(json, path);
    if (json.contains("count")) {
      values = even_values(reader.get<double>("from"), reader.get<double>("to"), reader.bounded("count", 2, kMostBins));
    } else {
      values = values_of(unpacked<std::int16_t>(reader.get<std::string>("codes"), path), reader.get<double>("largest"));
    }
  } else {
    NQ_CHECK(json.is_array(), input, "'{}' must hold lists of numbers", path);
    for (const Json& item : json) {
      NQ_CHECK(item.is_number(), input, "'{}' must hold lists of numbers", path);
      values.push_back(item.get<double>());
    }
  }
  for (const double value : values) NQ_CHECK(std::isfinite(value), input, "'{}' holds numbers that are not finite", path);
  return values;
}

Json json_site(const ReportSite& site) {
  Json json = {{"name", site.name}, {"origin", site.origin}, {"op_type", site.op_type}, {"c_out", site.c_out}};
  json["inputs"] = Json::array();
  for (const Histogram& input : site.inputs) json["inputs"].push_back(json_histogram(input));
  json["output"] = json_histogram(site.output);
  json["models"] = Json::array();
  for (const auto& view : site.models) json["models"].push_back(view ? json_view(*view) : Json());
  return json;
}

ReportSite read_site(const Json& json, std::size_t models, const std::string& path) {
  const JsonReader reader(json, path);
  ReportSite site;
  site.name = reader.get<std::string>("name");
  site.origin = reader.get<std::string>("origin");
  site.op_type = reader.get<std::string>("op_type");
  site.c_out = reader.bounded("c_out", 0, kMostCount);
  for (const Json& item : reader.list("inputs")) site.inputs.push_back(read_histogram({item, path + ".inputs"}));
  site.output = read_histogram(reader.object("output"));
  for (const Json& item : reader.list("models")) {
    if (item.is_null()) site.models.emplace_back();
    else site.models.emplace_back(read_view({item, path + ".models"}, site));
  }
  NQ_CHECK(site.models.size() == models, input, "'{}.models' has {} entries for {} models", path, site.models.size(), models);
  return site;
}

}  // namespace nq
