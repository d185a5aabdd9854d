#include <catch2/catch.hpp>

#include "nq/calibrate.hpp"
#include "nq/evaluate.hpp"
#include "nq/image.hpp"
#include "support/demo_bundle.hpp"

namespace nq {
namespace {

std::vector<Sample> named(int count) {
  std::vector<Sample> samples(static_cast<std::size_t>(count));
  for (int k = 0; k < count; ++k) samples[static_cast<std::size_t>(k)].name = std::to_string(k);
  return samples;
}

}  // namespace

TEST_CASE("a written model is compared on 32 evenly spaced images at most", "[pipeline]") {
  CHECK(compared_images({}).empty());
  CHECK(compared_images(named(32)).size() == 32);
  CHECK(compared_images(named(32)).back().name == "31");
  const std::vector<Sample> chosen = compared_images(named(320));
  REQUIRE(chosen.size() == 32);
  for (int k = 0; k < 32; ++k) CHECK(chosen[static_cast<std::size_t>(k)].name == std::to_string(10 * k + 5));
}

TEST_CASE("the images and float outputs that a calibration keeps are those of an evaluation, to the bit", "[pipeline]") {
  test::DemoBundle demo;
  CalibrationOptions options;
  options.method = "minmax";
  const CalibrationResult result = calibrate(demo.model, demo.images, demo.preprocess, options, demo.progress);
  REQUIRE(result.compared.size() == demo.images.size());
  std::vector<float> pixels(result.compared.begin()->second.pixels.size());
  for (const Sample& sample : demo.images) {
    apply_preprocess(load_image(sample.path), demo.preprocess, pixels);
    CHECK(result.compared.at(sample.name).pixels == pixels);
  }

  EvalHooks hooks;
  hooks.known_reference = [&](const Sample& sample) { return std::span<const float>(result.compared.at(sample.name).logits); };
  const EvalReport report = evaluate(demo.model, &demo.model, demo.images, demo.preprocess, {}, demo.progress, hooks);
  CHECK(report.reference->logit_mse == 0.0);
  CHECK(report.reference->agreement == 1.0);
}

TEST_CASE("an evaluation runs the reference where its outputs are not known", "[pipeline]") {
  test::DemoBundle demo;
  demo.images.resize(3);
  const std::vector<float> wrong(12, 0.5F);
  EvalHooks hooks;
  hooks.known_reference = [&](const Sample& sample) {
    return sample.name == demo.images[0].name ? std::span<const float>(wrong) : std::span<const float>();
  };
  EvalOptions one_by_one;
  one_by_one.batch = 1;
  const EvalReport partly = evaluate(demo.model, &demo.model, demo.images, demo.preprocess, one_by_one, demo.progress, hooks);
  CHECK(partly.reference->logit_mse > 0.0);
  CHECK(partly.counts.images == 3);
  CHECK(evaluate(demo.model, &demo.model, demo.images, demo.preprocess, {}, demo.progress, hooks).reference->logit_mse == 0.0);
}

}  // namespace nq
