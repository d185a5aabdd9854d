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
  /// Store the weights of layers of at most 4 bits as ONNX INT4, half the bytes, behind a Cast to int8 that runtimes
  /// fold when they load the file; raises the file to opset 21. Off stores one code per byte.
  bool int4_weights = false;
};

/// Writes a recipe into a model as QDQ nodes (ONNX QuantizeLinear/DequantizeLinear, opset 13).
///
/// The input is not changed. A recipe of CalibrationOptions::float32 writes a float32 model. Names, inputs, outputs,
/// metadata and node order survive. Throws Error(input) when the recipe belongs to another model (sha256) or names a
/// layer it lacks, Error(usage) when int4_weights finds no layer of at most 4 bits.
ModelFile quantize(const ModelFile& model, const Recipe& recipe, const EmitOptions& options = {});

}  // namespace nq
