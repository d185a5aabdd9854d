#include <algorithm>
#include <array>

#include "core/check.hpp"
#include "core/files.hpp"
#include "data/preprocess_formats.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 20;

bool has_any(const JsonFields& fields, std::initializer_list<std::string_view> keys) {
  return std::any_of(keys.begin(), keys.end(), [&fields](std::string_view key) { return fields.has(key); });
}

Preprocess parse_by_format(const JsonFields& fields, const ModelInputSize& model) {
  if (fields.has("schema")) return parse_native_preprocess(fields, model);
  if (has_any(fields, {"image_mean", "do_resize", "do_rescale", "do_normalize", "image_processor_type",
                       "feature_extractor_type"})) {
    return parse_huggingface_preprocess(fields, model);
  }
  if (fields.is_object("pretrained_cfg"))
    return parse_timm_preprocess(*fields.object("pretrained_cfg"), model);
  NQ_CHECK(!has_any(fields, {"resize", "resize_to", "channels"}), input, "missing key 'schema'");
  if (fields.has("mean") && fields.has("std")) return parse_timm_preprocess(fields, model);
  fail(ErrorKind::input,
       "no known preprocess format: neither nqcli's (key 'schema'), nor Hugging Face's "
       "(key 'image_mean'), nor timm's (key 'pretrained_cfg')");
}

Preprocess load_preprocess(const std::filesystem::path& path, int height, int width) {
  Preprocess preprocess = parse_preprocess(read_file(path, kMaxJsonBytes), path.string(), height, width);
  preprocess.source = fmt::format("file '{}'", path.string());
  return preprocess;
}

bool is_preset(std::string_view name) {
  const auto names = preprocess_preset_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

Preprocess preprocess_of_flag(const std::string& flag, int height, int width) {
  if (is_preset(flag)) return preprocess_preset(flag, height, width);
  if (std::filesystem::exists(flag)) return load_preprocess(flag, height, width);
  throw Error(ErrorKind::usage, fmt::format("preprocess '{}' is neither a preset nor a file", flag),
              fmt::format("presets: {}", fmt::join(preprocess_preset_names(), ", ")));
}

Preprocess preprocess_of_metadata(const std::string& value, int height, int width) {
  constexpr std::string_view name = "metadata nqcli.preprocess";
  Preprocess preprocess = is_preset(value) ? preprocess_preset(value, height, width)
                                           : parse_preprocess(value, name, height, width);
  preprocess.source = name;
  return preprocess;
}

}  // namespace

Preprocess parse_preprocess(std::string_view json_text, std::string_view source_name, int height, int width) {
  try {
    const nlohmann::json json = parse_json(json_text);
    Preprocess preprocess = parse_by_format(JsonFields(json), {height, width});
    preprocess.source = source_name;
    return preprocess;
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("preprocess description '{}': {}", source_name, error.message()));
  }
}

std::optional<std::filesystem::path> find_sidecar(const std::filesystem::path& model_path) {
  const std::filesystem::path folder = model_path.parent_path();
  for (const std::string& name :
       {model_path.stem().string() + ".preprocess.json", std::string("preprocessor_config.json")}) {
    const std::filesystem::path candidate = folder / name;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate;
  }
  return std::nullopt;
}

Preprocess resolve_preprocess(const std::optional<std::string>& flag, const std::filesystem::path& model_path,
                              const std::optional<std::string>& metadata, int height, int width) {
  if (flag) return preprocess_of_flag(*flag, height, width);
  if (metadata) return preprocess_of_metadata(*metadata, height, width);
  if (const auto sidecar = find_sidecar(model_path)) return load_preprocess(*sidecar, height, width);
  throw Error(
      ErrorKind::usage, fmt::format("nothing says how to preprocess images for '{}'", model_path.string()),
      fmt::format(
          "pass --preprocess with a preset ({}), a JSON file or a Hugging Face preprocessor_config.json, or "
          "place '{}.preprocess.json' next to the model",
          fmt::join(preprocess_preset_names(), ", "), model_path.stem().string()));
}

}  // namespace nq
