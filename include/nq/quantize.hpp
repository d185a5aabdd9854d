#pragma once

#include "nq/model_file.hpp"
#include "nq/recipe.hpp"

namespace nq {

struct EmitOptions {
  /// Fold the noisy bias into a preceding LayerNormalization where that is exact; off writes an
  /// explicit Add everywhere.
  bool fold_noise = true;
  /// Store the noisy and denoising biases that are constants of their own as int16 codes with a scale (Liu et al.
  /// 2023, supplement, appendix D): Cast and Mul in front of their Add. Off stores float32.
  bool int16_offsets = false;
};

/// Writes a recipe into a model as QDQ nodes (ONNX QuantizeLinear/DequantizeLinear, opset 13).
///
/// The input is not changed. A recipe of CalibrationOptions::float32 writes a float32 model. Names, inputs, outputs, metadata and node order survive. Throws
/// Error(input) when the recipe belongs to another model (sha256) or names a layer it lacks.
ModelFile quantize(const ModelFile& model, const Recipe& recipe, const EmitOptions& options = {});

}  // namespace nq
