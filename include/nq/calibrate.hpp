#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
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

/// Which of the model's linear layers and products are quantized.
struct SiteSelection {
  bool patch_embed = false;
  bool head = false;
  bool products = false;  ///< both products of every attention
  std::string include;  ///< ECMAScript regex on site names; empty selects by role
  std::string exclude;  ///< ECMAScript regex on site names; empty excludes none
};

/// Bits of the layers and attention products that match, instead of MethodOptions'.
struct BitsRule {
  /// ECMAScript regex on site names, unanchored; or "@" and a role ("@head") or the operator that
  /// feeds the layer ("@LayerNormalization", "@attention", "@Gelu"), or "@products", "@scores", "@values".
  std::string pattern;
  std::optional<int> weight_bits;
  std::optional<int> activation_bits;
};

/// Reads "PATTERN=w8a8,PATTERN=w6,..."; throws Error(usage) naming the part that is malformed.
std::vector<BitsRule> parse_bits_rules(const std::string& text);

struct CalibrationOptions {
  std::string method = "best";
  MethodOptions fit;
  /// The first rule that matches a layer or product decides; every rule must match one.
  std::vector<BitsRule> bits;
  SiteSelection selection;
  Propagate propagate = Propagate::fp32;
  static constexpr std::uint64_t kDefaultSampleBytes = std::uint64_t{3} << 29;
  std::uint64_t max_sample_bytes = kDefaultSampleBytes;  ///< all sampled rows together
  BadImages bad_images = BadImages::fail;
  /// Where to keep the statistics for fit_statistics(); needs Propagate::fp32. Empty for nowhere.
  std::filesystem::path save_statistics;
  /// A folder that keeps the calibration while it runs; the same call goes on from it. Empty for none.
  std::filesystem::path state;
  double save_every_s = 30;  ///< least time between saves of statistics; 0 after every batch
  /// The file will be written with EmitOptions::fold_noise: quantizers of attention see what it makes.
  bool fold_noise = true;
  std::optional<Shape> input_shape;  ///< of the image input, when the model leaves it open
  bool float32 = false;  ///< read and write a float16 model as float32, see ModelFile::in_float32()
};

struct PhaseSeconds {
  double decode = 0;   ///< waiting for decoded images
  double forward = 0;  ///< FP32 inference with statistics
  double search = 0;
  double emit = 0;
  double compare = 0;  ///< of the written model with the float one
};

/// What the pass kept of an image that the written model is compared on, so that it is neither read nor run again.
struct ComparedImage {
  std::vector<float> pixels;  ///< [3, height, width] as preprocessed; empty where they would take much memory
  std::vector<float> logits;  ///< FP32 outputs; empty where those of the pass are not those of a plain run, to the bit
};
using ComparedImages = std::map<std::string, ComparedImage>;  ///< by name

struct CalibrationResult {
  Recipe recipe;
  PhaseSeconds phases;
  std::vector<SkippedImage> skipped_images;
  std::int64_t images = 0;
  std::uint64_t sample_bytes = 0;  ///< memory that the sampled rows were given
  ComparedImages compared;  ///< of compared_images(), those that this call ran through the whole network
};

/// Images of compared_images(), at most.
inline constexpr std::int64_t kMostComparedImages = 32;

/// The images that a written model is compared with the float one on when it is calibrated, evenly spaced.
std::vector<Sample> compared_images(const std::vector<Sample>& images);

/// Fits every selected site on `images`. Deterministic: the recipe depends on model, images and
/// options alone. Throws Error(unsupported) when the model has no linear layer to quantize.
CalibrationResult calibrate(const ModelFile& model, const std::vector<Sample>& images,
                            const Preprocess& preprocess, const CalibrationOptions& options,
                            Progress& progress);

/// The same fit from statistics that calibrate() saved, without images: with the same options the
/// recipe is the same. Of `options`, selection and propagation come from the file. Throws
/// Error(input) when the file is malformed, belongs to another model, or was taken with another choice of
/// layers than `asked`, if that is given.
CalibrationResult fit_statistics(const ModelFile& model, const std::filesystem::path& statistics,
                                 CalibrationOptions options, const std::optional<SiteSelection>& asked,
                                 Progress& progress);

/// Writes the statistics of all images of the given files: what one run over them would have
/// saved, byte for byte. Throws Error(input) when they differ in anything but the images, or share one.
void merge_statistics(const std::vector<std::filesystem::path>& parts, const std::filesystem::path& merged);

/// What a statistics file holds, for display.
struct StatisticsSummary {
  std::string model_sha256;
  std::string preprocess;  ///< JSON text
  std::int64_t images = 0;
  std::string image_list_sha256;
  std::int64_t capacity = 0;  ///< rows kept per layer by the uniform rule
  struct Layer {
    std::vector<std::string> origins;
    std::int64_t c_in = 0;
    std::int64_t tokens = 0;
    std::int64_t rows = 0;
    std::int64_t readout_rows = 0;
    float low = 0;
    float high = 0;
  };
  std::vector<Layer> layers;
  std::string selection;  ///< as on the command line
  struct Product {
    std::string scores;  ///< origins
    std::string values;
    std::int64_t heads = 0;
    std::int64_t queries = 0;
    std::int64_t keys = 0;
    std::int64_t instances = 0;  ///< kept heads of single images
    std::int64_t rows = 0;       ///< kept queries of each
  };
  std::vector<Product> products;
};

StatisticsSummary summarize_statistics(const std::filesystem::path& statistics);

}  // namespace nq
