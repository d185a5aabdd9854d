#include <charconv>
#include <cmath>

#include "core/check.hpp"
#include "data/preprocess_formats.hpp"

namespace nq {
namespace {

constexpr int kSchema = 1;

template <typename Enum, std::size_t Count>
Enum parse_choice(std::string_view key, std::string_view name, const std::array<Enum, Count>& choices) {
  std::vector<std::string_view> names;
  for (const Enum choice : choices) {
    if (to_string(choice) == name) return choice;
    names.push_back(to_string(choice));
  }
  fail(ErrorKind::input, "key '{}' is '{}', not one of {}", key, name, fmt::join(names, ", "));
}

std::optional<ResizeTarget> parse_resize_to(const JsonFields& fields) {
  constexpr std::string_view key = "resize_to";
  if (!fields.has(key)) return std::nullopt;
  if (fields.is_array(key)) {
    const auto sides = *fields.integers(key, 2, 1, kMaxInputEdge);
    return ResizeTarget{sides[0], sides[1]};
  }
  const int side = *fields.integer(key, 1, kMaxInputEdge);
  return ResizeTarget{side, side};
}

/// The double that prints as the float does: 0.485, not 0.48500001430511475.
double shortest(float value) {
  const std::string digits = fmt::format("{}", value);
  double parsed = 0.0;
  std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
  return parsed;
}

nlohmann::ordered_json to_array(const std::array<float, 3>& values) {
  return {shortest(values[0]), shortest(values[1]), shortest(values[2])};
}

void check_resize_keys(const Preprocess& preprocess, const JsonFields& fields) {
  NQ_CHECK(!(preprocess.resize_to && fields.has("crop_pct")), input,
           "keys 'crop_pct' and 'resize_to' exclude each other");
  if (preprocess.resize == ResizeMode::none) {
    for (const std::string_view key : {"crop_pct", "resize_to", "interpolation"}) {
      NQ_CHECK(!fields.has(key), input, "key '{}' has no meaning with resize 'none'", key);
    }
  }
  NQ_CHECK(preprocess.resize != ResizeMode::short_edge || preprocess.resize_to || fields.has("crop_pct"),
           input, "missing key 'crop_pct' (or 'resize_to')");
}

}  // namespace

Interpolation parse_interpolation(std::string_view key, std::string_view name) {
  return parse_choice(key, name,
                      std::array{Interpolation::bicubic, Interpolation::bilinear, Interpolation::nearest,
                                 Interpolation::lanczos, Interpolation::box, Interpolation::hamming});
}

void set_input_size(Preprocess& preprocess, int height, int width, const ModelInputSize& model) {
  const auto agree = [](int stated, int taken) { return stated == 0 || taken == 0 || stated == taken; };
  NQ_CHECK(agree(height, model.height) && agree(width, model.width), input,
           "it describes images of {}x{} pixels, but the model takes {}x{}", height, width, model.height,
           model.width);
  preprocess.height = model.height != 0 ? model.height : height;
  preprocess.width = model.width != 0 ? model.width : width;
  NQ_CHECK(preprocess.height > 0 && preprocess.width > 0, input,
           "neither it nor the model states the image size");
}

std::array<float, 3> to_floats(const std::array<double, 3>& values) {
  return {static_cast<float>(values[0]), static_cast<float>(values[1]), static_cast<float>(values[2])};
}

Preprocess parse_native_preprocess(const JsonFields& fields, const ModelInputSize& model) {
  fields.reject_others({"schema", "input_size", "resize", "crop_pct", "resize_to", "interpolation", "mean",
                        "std", "channels", "crop_offset"});
  const int schema = require(fields.integer("schema", 1, 1'000'000), "schema");
  NQ_CHECK(schema == kSchema, input, "schema {} is not readable by this version, which reads {}", schema,
           kSchema);
  Preprocess preprocess;
  const auto size = fields.integers("input_size", 2, 1, kMaxInputEdge).value_or(std::vector<int>{0, 0});
  set_input_size(preprocess, size[0], size[1], model);
  preprocess.resize = parse_choice("resize", require(fields.text("resize"), "resize"),
                                   std::array{ResizeMode::short_edge, ResizeMode::squash, ResizeMode::none});
  preprocess.resize_to = parse_resize_to(fields);
  check_resize_keys(preprocess, fields);
  preprocess.crop_pct = fields.number("crop_pct", kMinCropPct, 1.0).value_or(1.0);
  if (preprocess.resize != ResizeMode::none) {
    const std::string name = require(fields.text("interpolation"), "interpolation");
    preprocess.interpolation = parse_interpolation("interpolation", name);
  }
  preprocess.mean = to_floats(require(fields.triple("mean", -kMaxMean, kMaxMean), "mean"));
  preprocess.std = to_floats(require(fields.triple("std", kMinStd, kMaxMean), "std"));
  preprocess.channels = parse_choice("channels", fields.text("channels").value_or("RGB"),
                                     std::array{ChannelOrder::rgb, ChannelOrder::bgr});
  preprocess.crop_offset = parse_choice("crop_offset", fields.text("crop_offset").value_or("half_even"),
                                        std::array{CropOffset::half_even, CropOffset::floor});
  return preprocess;
}

std::string preprocess_to_json(const Preprocess& preprocess) {
  nlohmann::ordered_json json;
  json["schema"] = kSchema;
  json["input_size"] = {preprocess.height, preprocess.width};
  json["resize"] = to_string(preprocess.resize);
  if (preprocess.resize != ResizeMode::none) {
    if (preprocess.resize_to) {
      json["resize_to"] = {preprocess.resize_to->height, preprocess.resize_to->width};
    } else {
      json["crop_pct"] = preprocess.crop_pct;
    }
    json["interpolation"] = to_string(preprocess.interpolation);
  }
  json["mean"] = to_array(preprocess.mean);
  json["std"] = to_array(preprocess.std);
  json["channels"] = to_string(preprocess.channels);
  if (preprocess.crop_offset != CropOffset::half_even)
    json["crop_offset"] = to_string(preprocess.crop_offset);
  return json.dump(2);
}

}  // namespace nq
