#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nq/image.hpp"

namespace nq {

/// How an image is brought near the model's input size before the centre crop.
enum class ResizeMode {
  short_edge,  ///< keep the aspect ratio; the shorter edge gets the target size
  squash,      ///< both edges get the target size
  none,        ///< no resize
};

/// How half a pixel of crop offset is rounded.
enum class CropOffset {
  half_even,  ///< torchvision's CenterCrop, and so timm: to the even neighbour, towards 0 when padding
  floor,      ///< transformers' Pillow image processors: down
};

/// Order of the three channels that the model takes.
enum class ChannelOrder { rgb, bgr };

/// Size that a resize aims at, in pixels.
struct ResizeTarget {
  int height = 0;
  int width = 0;
};

/// How a decoded image becomes the input of a model.
///
/// Resize (resize, target, interpolation), then crop the centre to height x width, padding with black
/// where the resized image is smaller, then map every channel to (pixel / 255 - mean) / std in float32.
/// The target is `resize_to` when given, else floor(height / crop_pct) x floor(width / crop_pct).
///
/// With short_edge and a square target the shorter edge becomes exactly the target and the longer one
/// floor(target * long / short) (torchvision's Resize with one number). With another target both edges
/// are scaled by one factor so that each covers the target, rounded to nearest (timm).
struct Preprocess {
  int height = 0;  ///< of the model's input, pixels
  int width = 0;   ///< of the model's input, pixels
  ResizeMode resize = ResizeMode::short_edge;
  double crop_pct = 1.0;
  std::optional<ResizeTarget> resize_to;
  Interpolation interpolation = Interpolation::bicubic;
  std::array<float, 3> mean{};                 ///< per channel, in the order of `channels`
  std::array<float, 3> std{1.0F, 1.0F, 1.0F};  ///< per channel, in the order of `channels`
  ChannelOrder channels = ChannelOrder::rgb;
  CropOffset crop_offset = CropOffset::half_even;
  std::string source;  ///< where it comes from, for printing: "preset 'inception'"
};

/// Names accepted by preprocess_preset(): "imagenet", "inception", "clip".
std::span<const std::string_view> preprocess_preset_names() noexcept;

/// A built-in description for a model input of height x width pixels:
/// - imagenet: mean .485 .456 .406, std .229 .224 .225, crop_pct 0.875 (timm and torchvision),
/// - inception: mean and std .5, crop_pct 0.9 (timm's AugReg ViT),
/// - clip: CLIP's mean and std, crop_pct 1;
/// all with the short edge resized bicubically. Throws Error(usage) on an unknown name, listing the
/// presets, or when height or width is 0, the size that the caller does not know.
Preprocess preprocess_preset(std::string_view name, int height, int width);

/// Reads a description from JSON: nqcli's own format (key "schema"), a Hugging Face
/// preprocessor_config.json, or timm's config.json or pretrained_cfg, told apart by their keys.
///
/// `height` and `width` are the model's input size, 0 where the model leaves it open; the text must not
/// contradict them. `source_name` stands for the text in messages. Throws Error(input) naming the key:
/// unknown (own format), missing, of the wrong type or range, or not representable here.
Preprocess parse_preprocess(std::string_view json_text, std::string_view source_name, int height, int width);

/// The description in nqcli's own format, schema 1, indented. parse_preprocess() reads it back to the
/// same values, `source` apart.
std::string preprocess_to_json(const Preprocess& preprocess);

/// One line for people: sizes, resize, crop, mean, std, channels, source.
std::string describe(const Preprocess& preprocess);

/// The description that lies next to a model: <stem>.preprocess.json, else preprocessor_config.json.
std::optional<std::filesystem::path> find_sidecar(const std::filesystem::path& model_path);

/// The description to use for a model: `flag` (a preset or a JSON file) if given, else `metadata` (the
/// value of the model's metadata key nqcli.preprocess: a preset or JSON), else the sidecar file.
///
/// Throws as parse_preprocess() and preprocess_preset(); Error(usage) when `flag` is neither a preset nor
/// a file, or when there is no description at all: nothing is guessed, since a wrong one costs accuracy
/// silently.
Preprocess resolve_preprocess(const std::optional<std::string>& flag, const std::filesystem::path& model_path,
                              const std::optional<std::string>& metadata, int height, int width);

/// Writes the model input of one image to `chw` [3, height, width]. Throws Error(resource) when the
/// resized image would be absurdly long, Error(internal) when `chw` has another size.
void apply_preprocess(const Image& image, const Preprocess& preprocess, std::span<float> chw);

}  // namespace nq
