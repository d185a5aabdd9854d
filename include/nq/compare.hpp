#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/batch_loader.hpp"
#include "nq/class_view.hpp"
#include "nq/executor.hpp"
#include "nq/image_folder.hpp"
#include "nq/model_file.hpp"
#include "nq/preprocess.hpp"
#include "nq/progress.hpp"

namespace nq {

struct CompareOptions {
  BadImages bad_images = BadImages::fail;
  std::optional<Shape> input_shape;
  KernelChoice kernels = KernelChoice::automatic;
  ClassView classes = {};
  bool layers = true;       ///< compare the outputs of layers too
  std::int64_t worst = 10;  ///< images listed with the largest logit error
};

/// One product of the reference and its counterpart of the same name: a linear layer with its bias, or a
/// product of two activations.
struct LayerComparison {
  std::string name;    ///< of the product node
  std::string origin;  ///< its first output name
  std::string value;   ///< name of the value compared: the layer's output, bias included
  std::int64_t c_out = 0;
  bool quantized = false;  ///< the other model has QuantizeLinear or DequantizeLinear in it
  /// 10 log10(sum reference^2 / sum difference^2) of its output in a whole run: its own error and what it
  /// inherits. Infinite when equal.
  double accumulated_sqnr_db = 0;
  double accumulated_mse = 0;
  /// The same when its inputs are the reference's, to the last bit: its own error alone. Absent when `local_gap`
  /// says why.
  std::optional<double> local_sqnr_db;
  std::optional<double> local_mse;
  std::string local_gap;
};

/// A product of the reference that the other model has no counterpart of the same meaning for.
struct UnmatchedLayer {
  std::string name;    ///< of the product node
  std::string reason;
};

struct ImageComparison {
  std::string name;
  std::optional<std::int64_t> label;
  double logit_mse = 0;
  double cosine = 0;
  double kl = 0;  ///< nats
  std::int64_t reference_class = 0;  ///< top-1
  std::int64_t other_class = 0;      ///< top-1
};

struct Comparison {
  std::int64_t images = 0;
  std::int64_t labelled = 0;
  std::int64_t classes = 0;
  double logit_mse = 0;   ///< mean over images and classes
  double sqnr_db = 0;     ///< of the logits
  double cosine = 0;      ///< mean over images, of the logits
  double kl = 0;          ///< mean over images, KL(softmax(reference) || softmax(other)) in nats
  double agreement = 0;   ///< fraction of images with the same top-1 class
  double reference_top1 = 0;  ///< on labelled images
  double other_top1 = 0;      ///< on labelled images
  std::vector<LayerComparison> layers;  ///< in execution order of the reference
  std::vector<UnmatchedLayer> unmatched;
  std::vector<ImageComparison> worst;   ///< by falling logit MSE
  std::vector<SkippedImage> skipped_images;
  double seconds = 0;

  /// Places in `layers`, the largest own error first (smallest local SQNR; without one, smallest accumulated).
  std::vector<std::size_t> ranking() const;
};

/// Runs two models on the same images. Memory holds the layer outputs of one image; every figure is a sum in
/// image order. Throws Error(usage) when the numbers of outputs differ, Error(unsupported) when their batches do.
Comparison compare(const ModelFile& reference, const ModelFile& other, const std::vector<Sample>& images,
                   const Preprocess& preprocess, const CompareOptions& options, Progress& progress);

}  // namespace nq
