#include <catch2/catch.hpp>
#include <cmath>

#include "core/rng.hpp"
#include "nq/report_page.hpp"
#include "sample_report.hpp"

using namespace nq;

namespace {

constexpr std::size_t kModels = 3;
constexpr std::size_t kBins = 128;

Histogram bell(RandomStream& stream) {
  Histogram histogram{-3, -64, {}};
  for (std::size_t k = 0; k < kBins; ++k) {
    const double x = (static_cast<double>(k) - 64) / 20;
    histogram.counts.push_back(1 + static_cast<std::int64_t>(4e5 * std::exp(-x * x) * (1 + 0.1 * stream.uniform())));
  }
  return histogram;
}

SiteView view_of(RandomStream& stream, std::size_t c_in) {
  SiteView view;
  view.error = {"", "", "", 0, true, 20 + stream.uniform(), stream.uniform(), 30 + stream.uniform(), stream.uniform(), ""};
  view.weight_bits = 6;
  view.weight_scale_min = stream.uniform();
  view.weight_scale_max = stream.uniform();
  QuantizerView quantizer;
  quantizer.bits = 6;
  quantizer.scale = 0.01 * stream.uniform() + 0.001;
  quantizer.code_min = -32;
  for (int code = 0; code < 64; ++code) quantizer.codes.push_back(static_cast<std::int64_t>(1e6 * stream.uniform()));
  quantizer.values = 100000000;
  quantizer.clipped = 12345;
  quantizer.input = bell(stream);
  for (std::size_t channel = 0; channel < c_in; ++channel) {
    quantizer.noisy_bias.push_back(static_cast<float>(stream.normal()));
    quantizer.channel_scale.push_back(static_cast<float>(stream.uniform()) + 0.5F);
  }
  view.quantizers = {quantizer};
  view.output = bell(stream);
  for (const char* stage : {"minmax", "weight_scale", "activation_scale", "weight_scale", "activation_scale", "noisy_bias"}) {
    view.stages.push_back({stage, stream.uniform()});
  }
  for (const char* parameter : {"activation scale", "noisy bias"}) {
    LossCurve curve{parameter, stream.uniform(), {}, {}};
    for (int k = 0; k <= 48; ++k) {
      curve.ratio.push_back(0.4 + 0.025 * k);
      curve.mse.push_back(stream.uniform());
    }
    view.curves.push_back(std::move(curve));
  }
  return view;
}

/// As a report on ViT-B under EasyQuant, NoisyQuant and best with --quantize all.
Report large_report() {
  RandomStream stream(1, "page size");
  Report report = test::sample_report("vit_base_patch16_224");
  report.classes = 1000;
  report.models.resize(kModels, report.models.front());
  report.class_names.assign(1000, "a class with a name of usual length");
  report.worst.clear();
  report.pictures.clear();
  report.sites.clear();
  for (int k = 0; k < 200; ++k) {
    ReportImage image{"n01440764/ILSVRC2012_val_00000" + std::to_string(k) + ".JPEG", k, true, stream.uniform(), {1, 2, 3, 4}, {}};
    for (std::size_t model = 0; model < kModels; ++model) image.logit_mse.push_back(stream.uniform());
    report.worst.push_back(image);
    if (k >= 16) continue;
    ReportPicture picture{image, std::string(13000, 'j'), 192, 144, {}, {}};
    for (std::size_t row = 0; row <= kModels; ++row) {
      std::vector<float>& scores = picture.scores.emplace_back();
      for (int index = 0; index < 1000; ++index) scores.push_back(static_cast<float>(stream.normal()));
    }
    report.pictures.push_back(std::move(picture));
  }
  for (int block = 0; block < 12; ++block) {
    for (const std::size_t c_in : {768, 64, 197, 768, 768, 3072}) {  // qkv, both products of attention, proj, fc1, fc2
      ReportSite site{"/blocks/blocks." + std::to_string(block) + "/attn/proj/MatMul", "origin", "MatMul", 768, {bell(stream)}, bell(stream), {}};
      for (std::size_t model = 0; model < kModels; ++model) {
        const bool is_product = c_in < 700;
        SiteView view = view_of(stream, model == 0 || is_product ? 0 : c_in);
        if (is_product) {
          view.quantizers.push_back(view.quantizers.front());
          view.quantizers.back().operand = 1;
          view.curves.clear();
        }
        site.models.emplace_back(view);
      }
      if (c_in < 700) site.inputs.push_back(bell(stream));
      report.sites.push_back(std::move(site));
    }
  }
  return report;
}

}  // namespace

TEST_CASE("a page on ViT-B with three models stays below 3 MB") {
  const std::string page = report_to_html(large_report());
  CAPTURE(page.size());
  REQUIRE(page.size() < 3'000'000);
  REQUIRE(page.size() > 1'000'000);
}
