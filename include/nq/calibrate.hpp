#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/batch_loader.hpp"
#include "nq/image_folder.hpp"
#include "nq/method.hpp"
#include "nq/model_file.hpp"
#include "nq/preprocess.hpp"
#include "nq/progress.hpp"
#include "nq/recipe.hpp"

namespace nq {

/// What the later layers see while a layer is calibrated.
enum class Propagate { fp32, quantized };

/// Which of the model's linear layers are quantized.
struct SiteSelection {
  bool patch_embed = false;
  bool head = false;
  std::string include;  ///< ECMAScript regex on site names; empty selects by role
  std::string exclude;  ///< ECMAScript regex on site names; empty excludes none
};

/// Bits of the layers that match, instead of MethodOptions'.
struct BitsRule {
  /// ECMAScript regex on site names, unanchored; or "@" and a role ("@head") or the operator that
  /// feeds the layer ("@LayerNormalization", "@attention", "@Gelu").
  std::string pattern;
  std::optional<int> weight_bits;
  std::optional<int> activation_bits;
};

/// Reads "PATTERN=w8a8,PATTERN=w6,..."; throws Error(usage) naming the part that is malformed.
std::vector<BitsRule> parse_bits_rules(const std::string& text);

struct CalibrationOptions {
  std::string method = "best";
  MethodOptions fit;
  /// The first rule that matches a layer decides; every rule must match one.
  std::vector<BitsRule> bits;
  SiteSelection selection;
  Propagate propagate = Propagate::fp32;
  std::uint64_t max_sample_bytes = std::uint64_t{3} << 29;  ///< all sampled rows together
  BadImages bad_images = BadImages::fail;
  std::optional<Shape> input_shape;  ///< of the image input, when the model leaves it open
};

struct PhaseSeconds {
  double decode = 0;   ///< waiting for decoded images
  double forward = 0;  ///< FP32 inference with statistics
  double search = 0;
  double emit = 0;
};

struct CalibrationResult {
  Recipe recipe;
  PhaseSeconds phases;
  std::vector<SkippedImage> skipped_images;
  std::int64_t images = 0;
  std::uint64_t sample_bytes = 0;  ///< memory that the sampled rows were given
};

/// Fits every selected site on `images`. Deterministic: the recipe depends on model, images and
/// options alone. Throws Error(unsupported) when the model has no linear layer to quantize.
CalibrationResult calibrate(const ModelFile& model, const std::vector<Sample>& images,
                            const Preprocess& preprocess, const CalibrationOptions& options,
                            Progress& progress);

}  // namespace nq
