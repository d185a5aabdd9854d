#include <algorithm>

#include "core/check.hpp"
#include "data/preprocess_formats.hpp"

// Meaning and defaults of the keys: the image processors of transformers 4.46.

namespace nq {
namespace {

/// Defaults of a family of image processors, for keys that its files leave out.
struct Family {
  std::string_view name;      ///< image_processor_type without its ending
  bool number_is_short_edge;  ///< what "size": 224 means: the short edge, or both edges
  Interpolation interpolation;
  bool center_crop;
};

constexpr std::array<Family, 8> kFamilies = {{
    {"ViT", false, Interpolation::bilinear, false},
    {"DeiT", false, Interpolation::bicubic, true},
    {"Beit", false, Interpolation::bicubic, true},
    {"CLIP", true, Interpolation::bicubic, true},
    {"Bit", true, Interpolation::bicubic, true},
    {"Siglip", false, Interpolation::bicubic, false},
    {"ConvNext", true, Interpolation::bilinear, false},
    {"Levit", true, Interpolation::bicubic, true},
}};

/// Pillow's numbers of the filters, which "resample" holds.
constexpr std::array kPillowFilters = {Interpolation::nearest,  Interpolation::lanczos,
                                       Interpolation::bilinear, Interpolation::bicubic,
                                       Interpolation::box,      Interpolation::hamming};

/// Edges in pixels that a size key states.
struct StatedSize {
  ResizeTarget target;
  bool is_short_edge = false;
};

bool drop_ending(std::string& text, std::string_view ending) {
  if (!text.ends_with(ending)) return false;
  text.resize(text.size() - ending.size());
  return true;
}

class HuggingFaceReader {
 public:
  HuggingFaceReader(const JsonFields& fields, const ModelInputSize& model) : fields_(fields), model_(model) {
    std::string type = fields.text("image_processor_type")
                           .value_or(fields.text("feature_extractor_type").value_or(std::string()));
    is_fast_ = drop_ending(type, "Fast");
    if (!drop_ending(type, "ImageProcessor")) drop_ending(type, "FeatureExtractor");
    const auto* found = std::find_if(kFamilies.begin(), kFamilies.end(),
                                     [&type](const Family& family) { return family.name == type; });
    family_ = found == kFamilies.end() ? nullptr : found;
  }

  Preprocess read() {
    reject_unknown_steps();
    // The torchvision-based processors crop as torchvision does; the Pillow-based ones round down.
    preprocess_.crop_offset = is_fast_ ? CropOffset::half_even : CropOffset::floor;
    if (fields_.boolean("do_flip_channel_order").value_or(false)) preprocess_.channels = ChannelOrder::bgr;
    read_geometry();
    read_values();
    return preprocess_;
  }

 private:
  bool is_family(std::string_view name) const { return family_ != nullptr && family_->name == name; }

  /// A default that depends on the kind of processor is taken only where the kind is known.
  template <typename T>
  T default_of(T Family::*member, std::string_view key) const {
    NQ_CHECK(family_ != nullptr, input,
             "missing key '{}', whose default is not known for this image processor", key);
    return family_->*member;
  }

  void reject_unknown_steps() const {
    constexpr std::array<std::string_view, 7> known = {
        "do_resize",      "do_center_crop",        "do_rescale",      "do_normalize",
        "do_convert_rgb", "do_flip_channel_order", "do_reduce_labels"};
    for (const std::string& key : fields_.keys()) {
      if (!key.starts_with("do_") || std::find(known.begin(), known.end(), key) != known.end()) continue;
      NQ_CHECK(!fields_.boolean(key).value_or(false), input, "the step '{}' is not supported", key);
    }
  }

  /// A size is one number, or an object with shortest_edge, or with height and width.
  StatedSize read_size(std::string_view key, bool number_is_short_edge) const {
    if (!fields_.is_object(key)) {
      const int edge = require(fields_.integer(key, 1, kMaxInputEdge), key);
      return {{edge, edge}, number_is_short_edge};
    }
    const JsonFields size = *fields_.object(key);
    for (const std::string& name : size.keys()) {
      NQ_CHECK(name == "shortest_edge" || name == "height" || name == "width", input,
               "key '{}.{}' is not supported", key, name);
    }
    if (const auto edge = size.integer("shortest_edge", 1, kMaxInputEdge)) return {{*edge, *edge}, true};
    return {{require(size.integer("height", 1, kMaxInputEdge), "height"),
             require(size.integer("width", 1, kMaxInputEdge), "width")},
            false};
  }

  void read_geometry() {
    const bool resizes = fields_.boolean("do_resize").value_or(true);
    preprocess_.resize = ResizeMode::none;
    if (resizes) read_interpolation();
    if (is_family("ConvNext") && resizes) return read_convnext();
    NQ_CHECK(!fields_.has("crop_pct"), input, "key 'crop_pct' is not supported for this image processor");
    std::optional<ResizeTarget> input_size;
    if (resizes) input_size = read_resize();
    const auto center_crop = fields_.boolean("do_center_crop");
    if (center_crop ? *center_crop : family_ != nullptr && family_->center_crop) {
      input_size = read_size("crop_size", false).target;
    }
    const bool fixes_size = input_size.has_value() || !resizes;
    NQ_CHECK(fixes_size, input,
             "a resize of the short edge without a centre crop gives images of varying size");
    const ResizeTarget size = input_size.value_or(ResizeTarget{});
    set_input_size(preprocess_, size.height, size.width, model_);
  }

  /// Sets mode and target; returns the size that images have then, if they all have one.
  std::optional<ResizeTarget> read_resize() {
    const bool is_number = !fields_.is_object("size");
    const StatedSize size =
        read_size("size", is_number && default_of(&Family::number_is_short_edge, "size.shortest_edge"));
    preprocess_.resize = size.is_short_edge ? ResizeMode::short_edge : ResizeMode::squash;
    preprocess_.resize_to = size.target;
    if (!size.is_short_edge) return size.target;
    if (is_family("Levit")) {
      const int edge = static_cast<int>((256.0 / 224.0) * size.target.height);
      preprocess_.resize_to = ResizeTarget{edge, edge};
    }
    return std::nullopt;
  }

  /// Below 384 pixels ConvNext scales the short edge to edge / crop_pct and crops; from there on it squashes.
  void read_convnext() {
    constexpr int first_squashed = 384;
    const StatedSize size = read_size("size", true);
    NQ_CHECK(size.is_short_edge, input, "missing key 'size.shortest_edge'");
    const int edge = size.target.height;
    set_input_size(preprocess_, edge, edge, model_);
    const double crop_pct = fields_.number("crop_pct", kMinCropPct, 1.0).value_or(224.0 / 256.0);
    const bool squashes = edge >= first_squashed;
    const int target = squashes ? edge : static_cast<int>(edge / crop_pct);
    preprocess_.resize = squashes ? ResizeMode::squash : ResizeMode::short_edge;
    preprocess_.resize_to = ResizeTarget{target, target};
  }

  void read_interpolation() {
    const auto number = fields_.integer("resample", 0, static_cast<int>(kPillowFilters.size()) - 1);
    preprocess_.interpolation = number ? kPillowFilters[static_cast<std::size_t>(*number)]
                                       : default_of(&Family::interpolation, "resample");
  }

  /// The file says (pixel * factor - mean) / std; ours is (pixel / 255 - mean) / std.
  void read_values() {
    const bool rescales = fields_.boolean("do_rescale").value_or(true);
    const bool normalizes = fields_.boolean("do_normalize").value_or(true);
    NQ_CHECK(!fields_.boolean("rescale_offset").value_or(false), input, "'rescale_offset' is not supported");
    const double factor = rescales ? fields_.number("rescale_factor", 1e-6, 1e3).value_or(1.0 / 255.0) : 1.0;
    const double gain = factor == 1.0 / 255.0 ? 1.0 : factor * 255.0;
    std::array<double, 3> mean = {0.0, 0.0, 0.0};
    std::array<double, 3> std = {1.0, 1.0, 1.0};
    if (normalizes) {
      mean = require(fields_.triple("image_mean", -kMaxMean, kMaxMean, true), "image_mean");
      std = require(fields_.triple("image_std", kMinStd, kMaxMean, true), "image_std");
    }
    for (double& value : mean) value /= gain;
    for (double& value : std) value /= gain;
    preprocess_.mean = to_floats(mean);
    preprocess_.std = to_floats(std);
  }

  const JsonFields& fields_;
  const ModelInputSize& model_;
  const Family* family_ = nullptr;
  bool is_fast_ = false;
  Preprocess preprocess_;
};

}  // namespace

Preprocess parse_huggingface_preprocess(const JsonFields& fields, const ModelInputSize& model) {
  return HuggingFaceReader(fields, model).read();
}

}  // namespace nq
