#include "data_test_support.hpp"
#include "nq/preprocess.hpp"

using namespace nq;
using namespace nq::test;

namespace {

/// A native description that can be told apart by its first mean.
std::string native(double mean) {
  return "{\"schema\": 1, \"resize\": \"squash\", \"interpolation\": \"bicubic\", \"mean\": [" +
         std::to_string(mean) + ", 0, 0], \"std\": [1, 1, 1]}";
}

}  // namespace

TEST_CASE("the sidecar of the model's own name comes before the folder's", "[data]") {
  const TempFolder folder;
  const auto model = folder.path() / "net.v2.onnx";
  CHECK_FALSE(find_sidecar(model).has_value());
  folder.write("preprocessor_config.json", "{}");
  CHECK(find_sidecar(model)->filename() == "preprocessor_config.json");
  folder.write("net.v2.preprocess.json", "{}");
  CHECK(find_sidecar(model)->filename() == "net.v2.preprocess.json");
}

TEST_CASE("flag, metadata and sidecar take precedence in this order", "[data]") {
  const TempFolder folder;
  const auto model = folder.path() / "net.onnx";
  folder.write("net.preprocess.json", native(0.25));
  const std::string flag = folder.write("flag.json", native(0.75)).string();
  const auto resolve = [&](const std::optional<std::string>& from_flag,
                           const std::optional<std::string>& metadata) {
    return resolve_preprocess(from_flag, model, metadata, 8, 8);
  };
  const Preprocess sidecar = resolve(std::nullopt, std::nullopt);
  CHECK(sidecar.mean[0] == 0.25F);
  CHECK(sidecar.source == "file '" + (folder.path() / "net.preprocess.json").string() + "'");
  const Preprocess metadata = resolve(std::nullopt, native(0.5));
  CHECK(metadata.mean[0] == 0.5F);
  CHECK(metadata.source == "metadata nqcli.preprocess");
  CHECK(resolve(std::nullopt, "imagenet").mean[0] == 0.485F);
  CHECK(resolve(flag, native(0.5)).mean[0] == 0.75F);
  const Preprocess preset = resolve("clip", native(0.5));
  CHECK(preset.source == "preset 'clip'");
}

TEST_CASE("nothing is guessed when nothing is said", "[data]") {
  const TempFolder folder;
  const auto model = folder.path() / "net.onnx";
  require_error(ErrorKind::usage,
                {"net.onnx", "--preprocess", "imagenet, inception, clip", "preprocessor_config.json",
                 "net.preprocess.json"},
                [&] { resolve_preprocess(std::nullopt, model, std::nullopt, 224, 224); });
  require_error(ErrorKind::usage, {"'imagnet'", "imagenet, inception, clip"},
                [&] { resolve_preprocess("imagnet", model, std::nullopt, 224, 224); });
}

TEST_CASE("a broken description is an input error that names its place", "[data][hostile]") {
  const TempFolder folder;
  const auto model = folder.path() / "net.onnx";
  folder.write("net.preprocess.json", "not json");
  require_error(ErrorKind::input, {"net.preprocess.json", "invalid JSON"},
                [&] { resolve_preprocess(std::nullopt, model, std::nullopt, 8, 8); });
  require_error(ErrorKind::input, {"metadata nqcli.preprocess"},
                [&] { resolve_preprocess(std::nullopt, model, "{}", 8, 8); });
  require_error(ErrorKind::input, {"not a regular file"},
                [&] { resolve_preprocess(folder.path().string(), model, std::nullopt, 8, 8); });
  const std::string large = folder.write("large.json", std::string((1U << 20) + 1, ' ')).string();
  require_error(ErrorKind::resource, {"large.json"},
                [&] { resolve_preprocess(large, model, std::nullopt, 8, 8); });
}
