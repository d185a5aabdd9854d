#include <catch2/catch.hpp>

#include "nq/calibrate.hpp"
#include "nq/evaluate.hpp"
#include "nq/quantize.hpp"
#include "support/demo_bundle.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

/// What every case of a calibration shares.
struct Bundle : test::DemoBundle {
  /// Ratio of the logits' power to that of their error, of the written file against the float model.
  double sqnr_db(const CalibrationOptions& options) {
    const CalibrationResult result = calibrate(model, images, preprocess, options, progress);
    const test::TempDir out;
    quantize(model, result.recipe, {.fold_noise = options.fold_noise}).save(out.path() / "q.onnx");
    return evaluate(ModelFile::load(out.path() / "q.onnx"), &model, images, preprocess, {}, progress).reference->sqnr_db;
  }
};

CalibrationOptions options_of(const std::string& method, int bits) {
  CalibrationOptions options;
  options.method = method;
  options.fit.weight_bits = options.fit.activation_bits = bits;
  options.fit.candidates = 12;
  options.fit.noise_candidates = 6;
  options.fit.alpha = 1.0;  // at 16 bits there is nothing to gain by clipping
  options.selection.patch_embed = options.selection.head = options.selection.products = true;
  return options;
}

/// Two more bits lose a quarter of the error: 8 to 16 bits are 48 dB. 65 leaves room for what the searches add.
constexpr double kFineDb = 65;

}  // namespace

TEST_CASE("with 16-bit quantizers the whole pipeline reproduces the float model", "[pipeline]") {
  Bundle bundle;
  for (const MethodInfo& info : builtin_methods().all()) {
    for (const bool fold : {true, false}) {
      CalibrationOptions options = options_of(std::string(info.name), 16);
      options.fold_noise = fold;
      INFO(info.name << (fold ? ", folded" : ", explicit"));
      CHECK(bundle.sqnr_db(options) > kFineDb);
    }
  }
}

TEST_CASE("with 16-bit quantizers reparameterized hosts and later inputs reproduce the float model", "[pipeline]") {
  Bundle bundle;
  for (const Reparam reparam : {Reparam::repq, Reparam::os}) {
    CalibrationOptions options = options_of("noisyquant", 16);
    options.fit.reparam = reparam;
    CHECK(bundle.sqnr_db(options) > kFineDb);
  }
  CalibrationOptions options = options_of("best", 16);
  options.propagate = Propagate::quantized;
  CHECK(bundle.sqnr_db(options) > kFineDb);
  options = options_of("best", 16);
  options.fit.activation = ActivationRange::asymmetric;
  CHECK(bundle.sqnr_db(options) > kFineDb);
}

TEST_CASE("what 16 bits reproduce 4 bits do not", "[pipeline]") {
  Bundle bundle;
  CHECK(bundle.sqnr_db(options_of("best", 4)) < kFineDb - 30);
}

}  // namespace nq
