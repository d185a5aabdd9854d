#include "nq/preprocess.hpp"

#include <cmath>
#include <limits>

#include "data/crop_geometry.hpp"
#include "data_test_support.hpp"

using namespace nq;
using namespace nq::test;

namespace {

Preprocess describe_size(ResizeMode mode, int height, int width, double crop_pct) {
  Preprocess preprocess;
  preprocess.resize = mode;
  preprocess.height = height;
  preprocess.width = width;
  preprocess.crop_pct = crop_pct;
  return preprocess;
}

std::array<int, 4> geometry_of(const Preprocess& preprocess, int image_width, int image_height) {
  const CropGeometry geometry = crop_geometry(preprocess, image_width, image_height);
  return {geometry.resized_width, geometry.resized_height, geometry.left, geometry.top};
}

using Geometry = std::array<int, 4>;

}  // namespace

TEST_CASE("a square target resizes and crops as torchvision does", "[data]") {
  const Preprocess vit = describe_size(ResizeMode::short_edge, 224, 224, 0.9);
  // floor(224 / 0.9) = 248; int(248 * 500 / 375) = 330; int(round(53.0)) and int(round(12.0)).
  CHECK(geometry_of(vit, 500, 375) == Geometry{330, 248, 53, 12});
  CHECK(geometry_of(vit, 375, 500) == Geometry{248, 330, 12, 53});
  CHECK(geometry_of(vit, 248, 248) == Geometry{248, 248, 12, 12});
  CHECK(geometry_of(vit, 20, 10) == Geometry{496, 248, 136, 12});
  CHECK(geometry_of(describe_size(ResizeMode::short_edge, 224, 224, 0.875), 640, 480) ==
        Geometry{341, 256, 58, 16});
  // Half offsets go to the even neighbour: 58.5 above, 1.5 to 2 and 0.5 to 0 here.
  CHECK(geometry_of(describe_size(ResizeMode::none, 10, 10, 1.0), 13, 11) == Geometry{13, 11, 2, 0});
}

TEST_CASE("a target that is not square is covered as timm does", "[data]") {
  // Targets floor(224 / 0.95) = 235 and floor(160 / 0.95) = 168; 375 / 235 < 500 / 168.
  CHECK(geometry_of(describe_size(ResizeMode::short_edge, 224, 160, 0.95), 500, 375) ==
        Geometry{313, 235, 76, 6});
}

TEST_CASE("squash ignores the aspect ratio and still crops by crop_pct", "[data]") {
  CHECK(geometry_of(describe_size(ResizeMode::squash, 225, 225, 0.875), 500, 100) ==
        Geometry{257, 257, 16, 16});
  Preprocess preprocess = describe_size(ResizeMode::squash, 224, 224, 1.0);
  preprocess.resize_to = ResizeTarget{200, 256};
  CHECK(geometry_of(preprocess, 500, 100) == Geometry{256, 200, 16, -12});
}

TEST_CASE("crop offsets round as the source library does, padding too", "[data]") {
  Preprocess preprocess = describe_size(ResizeMode::none, 10, 10, 1.0);
  // torchvision pads (10 - 7) // 2 = 1 in front; transformers pads ceil(1.5) = 2.
  CHECK(geometry_of(preprocess, 7, 17) == Geometry{7, 17, -1, 4});
  preprocess.crop_offset = CropOffset::floor;
  CHECK(geometry_of(preprocess, 7, 17) == Geometry{7, 17, -2, 3});
}

TEST_CASE("an absurdly long resized edge is a resource error", "[data][hostile]") {
  const Preprocess preprocess = describe_size(ResizeMode::short_edge, 16384, 16384, 1.0);
  require_error(ErrorKind::resource, {"edge of"}, [&] { crop_geometry(preprocess, 100'000, 1); });
}

TEST_CASE("pixel levels become the floats that PyTorch computes", "[data]") {
  Preprocess preprocess = preprocess_preset("imagenet", 1, 1);
  preprocess.resize = ResizeMode::none;
  std::array<float, 3> value{};
  apply_preprocess(Image{1, 1, {128, 1, 255}}, preprocess, value);
  // torch: (torch.tensor([128., 1., 255.]) / 255 - mean) / std, printed with float.hex.
  CHECK(value[0] == 0x1.2f5e64p-4F);
  CHECK(value[1] == -0x1.02549ep+1F);
  CHECK(value[2] == 0x1.51eb86p+1F);
}

TEST_CASE("padding is black before normalization", "[data]") {
  Preprocess preprocess = preprocess_preset("inception", 4, 4);
  preprocess.resize = ResizeMode::none;
  std::vector<float> chw(3 * 16, 9.0F);
  apply_preprocess(Image{2, 2, std::vector<std::uint8_t>(12, 255)}, preprocess, chw);
  for (std::size_t at = 0; at < chw.size(); ++at) {
    const std::size_t y = at / 4 % 4, x = at % 4;
    const bool is_inside = y >= 1 && y <= 2 && x >= 1 && x <= 2;
    CHECK(chw[at] == (is_inside ? 1.0F : -1.0F));
  }
}

TEST_CASE("preprocessing is resize, crop and normalization in CHW order", "[data]") {
  const Image image = make_image(53, 41);
  Preprocess preprocess = preprocess_preset("clip", 20, 20);
  preprocess.crop_pct = 0.8;
  std::vector<float> rgb(3 * 400), bgr(3 * 400);
  apply_preprocess(image, preprocess, rgb);
  const Image resized = resize(image, 32, 25, Interpolation::bicubic);  // int(25 * 53 / 41) = 32
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t y = 0; y < 20; ++y) {
      for (std::size_t x = 0; x < 20; ++x) {
        // Offsets: (32 - 20) / 2 = 6 and round(2.5) = 2.
        const float pixel = resized.pixels[((y + 2) * 32 + x + 6) * 3 + channel];
        const float expected = (pixel / 255.0F - preprocess.mean[channel]) / preprocess.std[channel];
        REQUIRE(rgb[channel * 400 + y * 20 + x] == expected);
      }
    }
  }
  preprocess.mean = {0.5F, 0.5F, 0.5F};
  preprocess.std = {0.5F, 0.5F, 0.5F};
  apply_preprocess(image, preprocess, rgb);
  preprocess.channels = ChannelOrder::bgr;
  apply_preprocess(image, preprocess, bgr);
  CHECK(std::equal(rgb.begin(), rgb.begin() + 400, bgr.begin() + 800));
  CHECK(std::equal(rgb.begin() + 400, rgb.begin() + 800, bgr.begin() + 400));
}

TEST_CASE("presets carry their constants and need a size", "[data]") {
  const Preprocess imagenet = preprocess_preset("imagenet", 224, 192);
  CHECK(imagenet.height == 224);
  CHECK(imagenet.width == 192);
  CHECK(imagenet.crop_pct == 0.875);
  CHECK(imagenet.mean == std::array{0.485F, 0.456F, 0.406F});
  CHECK(imagenet.interpolation == Interpolation::bicubic);
  CHECK(preprocess_preset("inception", 8, 8).crop_pct == 0.9);
  CHECK(preprocess_preset("clip", 8, 8).std[2] == 0.27577711F);
  CHECK(preprocess_preset_names().size() == 3);
  require_error(ErrorKind::usage, {"'imagnet'", "imagenet, inception, clip"},
                [] { preprocess_preset("imagnet", 224, 224); });
  require_error(ErrorKind::usage, {"input_size"}, [] { preprocess_preset("clip", 0, 0); });
}

TEST_CASE("a description prints on one line", "[data]") {
  CHECK(describe(preprocess_preset("inception", 224, 224)) ==
        "short edge to 248 px (crop_pct 0.9) bicubic, centre crop 224x224, mean [0.5, 0.5, 0.5], std [0.5, "
        "0.5, "
        "0.5], RGB, from preset 'inception'");
  Preprocess preprocess = preprocess_preset("imagenet", 224, 224);
  preprocess.resize = ResizeMode::squash;
  preprocess.resize_to = ResizeTarget{256, 256};
  preprocess.crop_offset = CropOffset::floor;
  preprocess.source.clear();
  CHECK(describe(preprocess) ==
        "squash to 256x256 px bicubic, centre crop 224x224 (offset rounded down), mean [0.485, 0.456, "
        "0.406], std "
        "[0.229, 0.224, 0.225], RGB");
  preprocess.resize = ResizeMode::none;
  CHECK(describe(preprocess).starts_with("no resize, centre crop 224x224"));
}
