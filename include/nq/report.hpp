#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nq/bench.hpp"
#include "nq/compare.hpp"
#include "nq/evaluate.hpp"
#include "nq/histogram.hpp"
#include "nq/overhead.hpp"
#include "nq/recipe.hpp"

namespace nq {

/// One model that a report shows.
struct ReportSubject {
  std::string label;              ///< how figures and tables call it
  const ModelFile* model = nullptr;
  std::optional<Recipe> recipe;   ///< that it was written from: the source of stage losses and search curves
};

struct ReportOptions {
  std::int64_t batch = 16;  ///< images in flight; never changes a result
  BadImages bad_images = BadImages::fail;
  std::optional<Shape> input_shape;
  KernelChoice kernels = KernelChoice::automatic;
  ClassView classes = {};
  double confidence = 0.95;         ///< of the intervals
  std::int64_t worst = 200;         ///< images listed
  std::int64_t pictures = 16;       ///< of these, shown with picture and scores
  std::vector<std::string> show;    ///< names of images that are shown in any case
  bool speed = false;               ///< time every model
  std::int64_t bins = 128;          ///< most bins of a histogram that is shown
};

/// The images of a report.
struct ReportImages {
  std::vector<Sample> all;     ///< accuracy and scores
  std::vector<Sample> layers;  ///< errors and distributions of layers; empty leaves layers out
};

/// A file and what evaluating it gave.
struct ReportModel {
  std::string label;
  std::string file;         ///< as named on the command line
  std::string sha256;
  std::uint64_t bytes = 0;  ///< of the file and its external data
  std::string quantized;    ///< what is quantized, in words
  std::vector<std::pair<std::string, std::string>> provenance;  ///< metadata that nqcli wrote: (key, text)
  EvalReport eval;
  std::pair<double, double> top1_interval;
  std::pair<double, double> top5_interval;
  std::optional<BenchReport> speed;
  std::optional<NoiseOverhead> noise;
  std::vector<UnmatchedLayer> unmatched;  ///< products of the reference that are no sites of this model
};

/// One image under all models.
struct ReportImage {
  std::string name;
  std::optional<std::int64_t> label;
  bool disagree = false;      ///< some model's class is not the reference's
  double largest_mse = 0;     ///< of the quantized models' logits against the reference
  std::vector<std::int64_t> classes;  ///< top-1 of each model, the reference first
  std::vector<double> logit_mse;      ///< of each quantized model
};

/// An image with its picture and scores.
struct ReportPicture {
  ReportImage image;
  std::string jpeg;  ///< bytes of a small JPEG file
  int width = 0;     ///< pixels of the JPEG
  int height = 0;
  std::vector<std::int64_t> scored;  ///< classes that the scores belong to, ascending; empty for all
  std::vector<std::vector<float>> scores;  ///< logits of each model, the reference first
};

/// What one quantizer of a site did to its input.
struct QuantizerView {
  int operand = 0;             ///< 0: the layer's input or the left operand; 1: the right operand
  int bits = 0;
  double scale = 0;
  std::int64_t zero_point = 0;
  std::int64_t code_min = 0;   ///< lowest code that can occur
  Histogram input;             ///< what is quantized: X / channel scale + N
  std::vector<std::int64_t> codes;  ///< count of each code from code_min on
  std::int64_t values = 0;
  std::int64_t clipped = 0;    ///< values beyond the lowest and highest code
  std::vector<float> noisy_bias;     ///< N per channel, [c_in]; empty for none
  std::vector<float> channel_scale;  ///< [c_in]; empty for none

  double clip_share() const noexcept { return values > 0 ? double(clipped) / double(values) : 0; }
};

/// One site of one model.
struct SiteView {
  LayerComparison error;
  std::vector<QuantizerView> quantizers;
  int weight_bits = 0;  ///< 0 when the weight is not quantized
  double weight_scale_min = 0;
  double weight_scale_max = 0;
  Histogram output;     ///< with the reference's input; empty when it cannot be measured alone
  std::vector<StageLoss> stages;
  std::vector<LossCurve> curves;
};

/// One product of the reference and what became of it.
struct ReportSite {
  std::string name;
  std::string origin;
  std::string op_type;
  std::int64_t c_out = 0;
  std::vector<Histogram> inputs;  ///< X: the layer's input, or both operands of a product of activations
  Histogram output;
  std::vector<std::optional<SiteView>> models;  ///< by quantized model
};

/// Everything that a report shows: one reference and the models compared with it, on the same images.
struct Report {
  std::string version;
  std::string preprocess;         ///< JSON text
  std::string preprocess_source;
  std::string label_source;
  std::string image_list_sha256;
  std::int64_t images = 0;        ///< that were evaluated
  std::int64_t layer_images = 0;
  std::int64_t classes = 0;
  double confidence = 0.95;
  ReportModel reference;
  std::vector<ReportModel> models;
  std::vector<std::string> class_names;  ///< empty, or one per class
  std::int64_t disagreements = 0;        ///< images on which some model's class is not the reference's
  std::vector<ReportImage> worst;        ///< disagreements first, then by falling logit error
  std::vector<ReportPicture> pictures;   ///< of the first of these, and those asked for
  std::vector<ReportSite> sites;         ///< in network order
  std::vector<SkippedImage> skipped_images;

  /// 1 - MSE / MSE of the first quantized model (the paper's Table 1); nothing for that model itself.
  std::optional<double> reduction(std::size_t model) const;
};

/// Gathers a report. Every image passes once through all models; the layer images pass again, once per quantized
/// model, with the layers opened (compare()). Memory grows with neither the images nor their number of classes:
/// bounded lists, histograms, and a sample of rows per layer. Everything but measured speed is a function of models,
/// images and options. Throws as evaluate() and compare(); Error(usage) when an image of ReportOptions::show is not
/// among the images.
Report make_report(const ReportSubject& reference, const std::vector<ReportSubject>& models, const ReportImages& images,
                   const Preprocess& preprocess, const ReportOptions& options, Progress& progress);

/// Names of classes from a text file: line i names class i, a WordNet id at its beginning left out. Throws
/// Error(input) when the file cannot be read or is no UTF-8 text.
std::vector<std::string> load_class_names(const std::filesystem::path& path);

/// Names of classes from the folders that images of one label share; empty when labels do not come from folders.
std::vector<std::string> class_folder_names(const std::vector<Sample>& images);

}  // namespace nq
