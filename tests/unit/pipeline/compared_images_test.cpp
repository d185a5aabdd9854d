#include <catch2/catch.hpp>

#include "nq/calibrate.hpp"
#include "nq/evaluate.hpp"
#include "support/golden.hpp"

namespace nq {
namespace {

std::vector<Sample> named(int count) {
  std::vector<Sample> samples(static_cast<std::size_t>(count));
  for (int k = 0; k < count; ++k) samples[static_cast<std::size_t>(k)].name = std::to_string(k);
  return samples;
}

}  // namespace

TEST_CASE("a written model is compared on 64 evenly spaced images at most", "[pipeline]") {
  CHECK(compared_images({}).empty());
  CHECK(compared_images(named(64)).size() == 64);
  CHECK(compared_images(named(64)).back().name == "63");
  const std::vector<Sample> chosen = compared_images(named(640));
  REQUIRE(chosen.size() == 64);
  for (int k = 0; k < 64; ++k) CHECK(chosen[static_cast<std::size_t>(k)].name == std::to_string(10 * k + 5));
}

TEST_CASE("the float outputs that a calibration keeps are those of an evaluation, to the bit", "[pipeline]") {
  const std::filesystem::path folder = std::filesystem::path(NQ_TESTS_DIR).parent_path() / "models";
  const ModelFile model = ModelFile::load(folder / "demo_vit.onnx");
  const Preprocess preprocess =
      parse_preprocess(test::slurp(folder / "demo_vit.preprocess.json"), "demo_vit.preprocess.json", 0, 0);
  const std::vector<Sample> images = ImageFolder::open(folder / "images/calib").select(6, 0);
  NullProgress progress;
  CalibrationOptions options;
  options.method = "minmax";
  const CalibrationResult result = calibrate(model, images, preprocess, options, progress);
  REQUIRE(result.reference_logits.size() == images.size());

  EvalHooks hooks;
  hooks.known_reference = [&](const Sample& sample) { return std::span<const float>(result.reference_logits.at(sample.name)); };
  const EvalReport report = evaluate(model, &model, images, preprocess, {}, progress, hooks);
  CHECK(report.reference->logit_mse == 0.0);
  CHECK(report.reference->agreement == 1.0);
}

TEST_CASE("an evaluation runs the reference where its outputs are not known", "[pipeline]") {
  const std::filesystem::path folder = std::filesystem::path(NQ_TESTS_DIR).parent_path() / "models";
  const ModelFile model = ModelFile::load(folder / "demo_vit.onnx");
  const Preprocess preprocess =
      parse_preprocess(test::slurp(folder / "demo_vit.preprocess.json"), "demo_vit.preprocess.json", 0, 0);
  const std::vector<Sample> images = ImageFolder::open(folder / "images/calib").select(3, 0);
  NullProgress progress;
  const std::vector<float> wrong(12, 0.5F);
  EvalHooks hooks;
  hooks.known_reference = [&](const Sample& sample) {
    return sample.name == images[0].name ? std::span<const float>(wrong) : std::span<const float>();
  };
  EvalOptions one_by_one;
  one_by_one.batch = 1;
  const EvalReport partly = evaluate(model, &model, images, preprocess, one_by_one, progress, hooks);
  CHECK(partly.reference->logit_mse > 0.0);
  CHECK(partly.counts.images == 3);
  CHECK(evaluate(model, &model, images, preprocess, {}, progress, hooks).reference->logit_mse == 0.0);
}

}  // namespace nq
