#include "data_test_support.hpp"
#include "nq/preprocess.hpp"

using namespace nq;
using namespace nq::test;

namespace {

const std::string kNative =
    R"({"schema": 1, "input_size": [224, 160], "resize": "short_edge", "crop_pct": 0.9,
  "interpolation": "bilinear", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
  "channels": "BGR"})";

Preprocess parse(std::string_view json, int height = 0, int width = 0) {
  return parse_preprocess(json, "p.json", height, width);
}

/// The native text with one part replaced.
std::string changed(std::string_view from, std::string_view to) {
  std::string text = kNative;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

void require_preprocess_rejected(std::string_view json, std::initializer_list<std::string_view> texts) {
  INFO(json);
  const Error error = require_error(ErrorKind::input, texts, [&] { parse(json, 224, 160); });
  CHECK(error.message().find("p.json") != std::string::npos);
}

}  // namespace

TEST_CASE("the native format is read completely", "[data]") {
  const Preprocess preprocess = parse(kNative);
  CHECK(preprocess.height == 224);
  CHECK(preprocess.width == 160);
  CHECK(preprocess.resize == ResizeMode::short_edge);
  CHECK(preprocess.crop_pct == 0.9);
  CHECK_FALSE(preprocess.resize_to.has_value());
  CHECK(preprocess.interpolation == Interpolation::bilinear);
  CHECK(preprocess.mean == std::array{0.485F, 0.456F, 0.406F});
  CHECK(preprocess.std == std::array{0.229F, 0.224F, 0.225F});
  CHECK(preprocess.channels == ChannelOrder::bgr);
  CHECK(preprocess.crop_offset == CropOffset::half_even);
  CHECK(preprocess.source == "p.json");
}

TEST_CASE("the native format survives a round trip", "[data]") {
  Preprocess preprocess = parse(kNative);
  CHECK(preprocess_to_json(preprocess).find("0.485,") != std::string::npos);
  for (const auto mode : {ResizeMode::short_edge, ResizeMode::squash, ResizeMode::none}) {
    for (const bool has_target : {false, true}) {
      preprocess.resize = mode;
      preprocess.resize_to.reset();
      if (has_target) preprocess.resize_to = ResizeTarget{256, 320};
      preprocess.crop_offset = has_target ? CropOffset::floor : CropOffset::half_even;
      preprocess.mean = {0.1F, 1.0F / 3.0F, 123.675F};
      const std::string json = preprocess_to_json(preprocess);
      const Preprocess again = parse(json);
      CHECK(preprocess_to_json(again) == json);
      CHECK(again.mean == preprocess.mean);
      CHECK(again.crop_offset == preprocess.crop_offset);
      CHECK(again.resize == mode);
      if (has_target && mode != ResizeMode::none) CHECK(again.resize_to->width == 320);
    }
  }
}

TEST_CASE("resize_to is one number or height and width", "[data]") {
  const Preprocess one = parse(changed("\"crop_pct\": 0.9", "\"resize_to\": 256"));
  CHECK(one.resize_to->height == 256);
  CHECK(one.resize_to->width == 256);
  const Preprocess two = parse(changed("\"crop_pct\": 0.9", "\"resize_to\": [256, 300]"));
  CHECK(two.resize_to->height == 256);
  CHECK(two.resize_to->width == 300);
}

TEST_CASE("mistakes in the native format name the key", "[data][hostile]") {
  require_preprocess_rejected(changed("\"crop_pct\"", "\"crop_pc\""), {"unknown key 'crop_pc'"});
  require_preprocess_rejected(changed("\"schema\": 1", "\"schema\": 2"), {"schema 2"});
  require_preprocess_rejected(changed("\"schema\": 1, ", ""), {"missing key 'schema'"});
  require_preprocess_rejected(changed("\"crop_pct\": 0.9,", ""), {"missing key 'crop_pct'"});
  require_preprocess_rejected(changed("0.9", "0"), {"'crop_pct'"});
  require_preprocess_rejected(changed("0.9", "1.5"), {"'crop_pct'"});
  require_preprocess_rejected(changed("0.9", "1e999"), {"JSON"});
  require_preprocess_rejected(changed("0.9", "\"0.9\""), {"'crop_pct' must be a number"});
  require_preprocess_rejected(changed("0.229", "0"), {"'std'"});
  require_preprocess_rejected(changed("0.229", "-0.2"), {"'std'"});
  require_preprocess_rejected(changed("[0.229, 0.224, 0.225]", "[0.2]"), {"'std' must be an array of 3"});
  require_preprocess_rejected(changed("[0.485, 0.456, 0.406]", "0.5"), {"'mean' must be an array of 3"});
  require_preprocess_rejected(changed("224, 160", "0, 160"), {"'input_size'"});
  require_preprocess_rejected(changed("224, 160", "224.5, 160"), {"'input_size'", "not a whole number"});
  require_preprocess_rejected(changed("224, 160", "224, 99999"), {"'input_size'"});
  require_preprocess_rejected(changed("short_edge", "stretch"), {"'resize' is 'stretch'", "short_edge, squash, none"});
  require_preprocess_rejected(changed("bilinear", "cubic"), {"'interpolation' is 'cubic'", "bicubic"});
  require_preprocess_rejected(changed("BGR", "bgr"), {"'channels'", "RGB, BGR"});
  require_preprocess_rejected(changed("\"crop_pct\": 0.9", "\"crop_pct\": 0.9, \"resize_to\": 256"),
                   {"exclude each other"});
  require_preprocess_rejected(changed("\"short_edge\"", "\"none\""), {"no meaning with resize 'none'"});
  require_preprocess_rejected("{", {"invalid JSON"});
  require_preprocess_rejected("", {"invalid JSON"});
  require_preprocess_rejected("[1]", {"JSON object"});
  require_preprocess_rejected("{}", {"no known preprocess format"});
  require_preprocess_rejected(std::string(100'000, '['), {"invalid JSON"});
}

TEST_CASE("a description must fit the model's input size", "[data]") {
  CHECK(parse(kNative, 224, 160).height == 224);
  require_error(ErrorKind::input, {"224x160", "384x384"}, [] { parse(kNative, 384, 384); });
  const std::string open = changed("\"input_size\": [224, 160], ", "");
  CHECK(parse(open, 64, 32).width == 32);
  require_error(ErrorKind::input, {"neither it nor the model"}, [&] { parse(open); });
}

TEST_CASE("timm's configurations are read", "[data]") {
  const std::string fields =
      R"("input_size": [3, 224, 224], "test_input_size": [3, 288, 288], "crop_pct": 0.95,
    "test_crop_pct": 1.0, "interpolation": "bicubic", "crop_mode": "center", "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5], "pool_size": [7, 7], "classifier": "head")";
  const Preprocess bare = parse("{" + fields + "}");
  CHECK(bare.height == 224);
  CHECK(bare.crop_pct == 0.95);
  CHECK(bare.resize == ResizeMode::short_edge);
  const std::string nested = "{\"architecture\": \"x\", \"pretrained_cfg\": {" + fields + "}}";
  CHECK(preprocess_to_json(parse(nested)) == preprocess_to_json(bare));
  const Preprocess test = parse(nested, 288, 288);
  CHECK(test.height == 288);
  CHECK(test.crop_pct == 1.0);
  std::string squash = nested;
  squash.replace(squash.find("center"), 6, "squash");
  CHECK(parse(squash).resize == ResizeMode::squash);
  squash.replace(squash.find("squash"), 6, "border");
  require_error(ErrorKind::input, {"crop_mode 'border'"}, [&] { parse(squash); });
}

TEST_CASE("Hugging Face ViT squashes to its size", "[data]") {
  // google/vit-base-patch16-224: no resample key, which for ViT means bilinear.
  const Preprocess old = parse(R"({"do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5], "size": 224, "feature_extractor_type": "ViTFeatureExtractor"})");
  CHECK(old.resize == ResizeMode::squash);
  CHECK(old.resize_to->height == 224);
  CHECK(old.height == 224);
  CHECK(old.interpolation == Interpolation::bilinear);
  CHECK(old.crop_offset == CropOffset::floor);
  const Preprocess sized =
      parse(R"({"image_processor_type": "ViTImageProcessor", "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.25, 0.5, 0.5], "resample": 3, "rescale_factor": 0.00392156862745098,
    "size": {"height": 192, "width": 256}})");
  CHECK(sized.width == 256);
  CHECK(sized.interpolation == Interpolation::bicubic);
  CHECK(sized.std[0] == 0.25F);
}

TEST_CASE("Hugging Face short edge, crop and family rules are read", "[data]") {
  const std::string values = R"("image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4], "resample": 3)";
  const Preprocess clip = parse(
      "{\"image_processor_type\": \"CLIPImageProcessor\", \"size\": {\"shortest_edge\": "
      "256}, \"crop_size\": {\"height\": 224, \"width\": 224}, " +
      values + "}");
  CHECK(clip.resize == ResizeMode::short_edge);
  CHECK(clip.resize_to->height == 256);
  CHECK(clip.height == 224);
  const Preprocess deit = parse(
      "{\"image_processor_type\": \"DeiTImageProcessor\", \"size\": 256, \"crop_size\": "
      "224, " +
      values + "}");
  CHECK(deit.resize == ResizeMode::squash);
  CHECK(deit.resize_to->width == 256);
  CHECK(deit.width == 224);
  const Preprocess small = parse(
      "{\"image_processor_type\": \"ConvNextImageProcessor\", \"crop_pct\": 0.875, "
      "\"size\": {\"shortest_edge\": 224}, " +
      values + "}");
  CHECK(small.resize == ResizeMode::short_edge);
  CHECK(small.resize_to->height == 256);
  CHECK(small.height == 224);
  const Preprocess large = parse(
      "{\"image_processor_type\": \"ConvNextImageProcessor\", \"size\": "
      "{\"shortest_edge\": 384}, " +
      values + "}");
  CHECK(large.resize == ResizeMode::squash);
  const Preprocess levit = parse(
      "{\"image_processor_type\": \"LevitImageProcessor\", \"size\": {\"shortest_edge\": "
      "224}, \"crop_size\": 224, " +
      values + "}");
  CHECK(levit.resize_to->height == 256);
  const Preprocess fast =
      parse("{\"image_processor_type\": \"ViTImageProcessorFast\", \"size\": 224, " + values + "}");
  CHECK(fast.crop_offset == CropOffset::half_even);
}

TEST_CASE("Hugging Face values fold any rescale factor into mean and std", "[data]") {
  const auto with = [](const std::string& more) {
    return parse("{\"image_processor_type\": \"ViTImageProcessor\", \"size\": 8, " + more + "}");
  };
  const Preprocess raw = with(R"("do_normalize": false)");
  CHECK(raw.mean == std::array{0.0F, 0.0F, 0.0F});
  CHECK(raw.std == std::array{1.0F, 1.0F, 1.0F});
  // pixel * 2 / 255 - 0.5 = (pixel / 255 - 0.25) / 0.5
  const Preprocess doubled =
      with(R"("image_mean": 0.5, "image_std": 1, "rescale_factor": 0.00784313725490196)");
  CHECK(doubled.mean[0] == Approx(0.25F));
  CHECK(doubled.std[0] == Approx(0.5F));
  const Preprocess levels =
      with(R"("image_mean": [51, 51, 51], "image_std": [255, 255, 255], "do_rescale": false)");
  CHECK(levels.mean[0] == Approx(0.2F));
  CHECK(levels.std[0] == Approx(1.0F));
  CHECK(with(R"("do_normalize": false, "do_flip_channel_order": true)").channels == ChannelOrder::bgr);
  const Preprocess unresized = parse(
      R"({"image_processor_type": "ViTImageProcessor", "do_resize": false, "do_normalize": false})", 8, 9);
  CHECK(unresized.resize == ResizeMode::none);
  CHECK(unresized.width == 9);
}

TEST_CASE("Hugging Face settings that cannot be kept are refused by name", "[data][hostile]") {
  const auto rejects = [](const std::string& json, std::initializer_list<std::string_view> texts) {
    require_error(ErrorKind::input, texts, [&] { parse(json); });
  };
  const std::string values = R"("image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4])";
  const std::string vit = "{\"image_processor_type\": \"ViTImageProcessor\", " + values;
  rejects(vit + ", \"size\": 224, \"do_pad\": true}", {"'do_pad'"});
  CHECK(parse(vit + ", \"size\": 224, \"do_pad\": false}").height == 224);
  rejects(vit + "}", {"missing key 'size'"});
  rejects(vit + ", \"size\": {\"longest_edge\": 224}}", {"size.longest_edge"});
  rejects(vit + ", \"size\": {\"shortest_edge\": 224}}", {"varying size"});
  rejects(vit + ", \"size\": 224, \"crop_pct\": 0.9}", {"'crop_pct'"});
  rejects(vit + ", \"size\": 224, \"resample\": 6}", {"'resample'"});
  rejects(vit + ", \"size\": 224, \"rescale_offset\": true}", {"rescale_offset"});
  rejects(R"({"image_processor_type": "ViTImageProcessor", "size": 224})", {"missing key 'image_mean'"});
  // A processor that is not known has no defaults to lean on.
  rejects("{\"image_processor_type\": \"OddImageProcessor\", \"size\": {\"height\": 8, \"width\": 8}, " +
              values + "}",
          {"'resample'"});
  rejects("{\"image_processor_type\": \"OddImageProcessor\", \"size\": 8, \"resample\": 2, " + values + "}",
          {"'size.shortest_edge'"});
}
