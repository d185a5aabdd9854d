#include "onnx/save_model.hpp"

#include <catch2/catch.hpp>

#include "nq/tensor.hpp"
#include "support/models.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

using test::TempDir;

constexpr std::int64_t kCount = 1500;  // above the size below which tensors stay in the model

/// y = x + w with 1500 weights; bytes that the file takes as one.
ModelFile large_model() {
  onnx::ModelProto proto = ModelFile::from_text(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[1500] x) => (float[1500] y) { y = Add(x, w) })").impl().proto;
  std::vector<float> weights;
  for (std::int64_t index = 0; index < kCount; ++index) weights.push_back(static_cast<float>(index) * 0.5F);
  *proto.mutable_graph()->add_initializer() = tensor_to_proto(Tensor::of(Shape{kCount}, weights), "w");
  return ModelFile::parse(proto.SerializeAsString());
}

float last_value(const std::filesystem::path& path) {
  const Tensor x = Tensor::of(Shape{kCount}, std::vector<float>(kCount, 1.0F));
  return test::run(ModelFile::load(path), {x})[0].span<float>().back();
}

}  // namespace

TEST_CASE("a model above the limit keeps its weights in a file beside it", "[onnx]") {
  const TempDir folder;
  save_model(large_model().impl(), folder / "m.onnx", 2000);
  CHECK(folder.names() == std::vector<std::string>{"m.onnx", "m.onnx.data"});
  CHECK(test::slurp(folder / "m.onnx").size() < 1000);
  CHECK(last_value(folder / "m.onnx") == 750.5F);
  CHECK_NOTHROW(ModelFile::load(folder / "m.onnx").check());
}

TEST_CASE("a model below the limit is one file", "[onnx]") {
  const TempDir folder;
  large_model().save(folder / "m.onnx");
  CHECK(folder.names() == std::vector<std::string>{"m.onnx"});
}

TEST_CASE("external data above the limit is copied to a file beside the new model", "[onnx]") {
  const TempDir folder;
  std::filesystem::create_directory(folder / "other");
  save_model(large_model().impl(), folder / "m.onnx", 2000);
  save_model(ModelFile::load(folder / "m.onnx").impl(), folder / "other/n.onnx", 2000);
  std::filesystem::remove(folder / "m.onnx.data");
  CHECK(last_value(folder / "other/n.onnx") == 750.5F);
}

TEST_CASE("a model written beside its source does not need the source's data", "[onnx]") {
  const TempDir folder;
  save_model(large_model().impl(), folder / "m.onnx", 2000);
  ModelFile::load(folder / "m.onnx").save(folder / "n.onnx");
  std::filesystem::remove(folder / "m.onnx.data");
  CHECK(folder.names() == std::vector<std::string>{"m.onnx", "n.onnx"});
  CHECK(last_value(folder / "n.onnx") == 750.5F);
}

TEST_CASE("the data of the source is never overwritten", "[onnx]") {
  const TempDir folder;
  save_model(large_model().impl(), folder / "m.onnx", 2000);
  onnx::ModelProto proto = ModelFile::load(folder / "m.onnx").impl().proto;
  *proto.mutable_graph()->add_initializer() =
      tensor_to_proto(Tensor::of(Shape{kCount}, std::vector<float>(kCount, 3.0F)), "unused");
  save_model(ModelFile::parse(proto.SerializeAsString(), folder.path()).impl(), folder / "m.onnx", 2000);
  CHECK(folder.names() == std::vector<std::string>{"m.onnx", "m.onnx.data", "m.onnx.data2"});
  CHECK(last_value(folder / "m.onnx") == 750.5F);
}

}  // namespace nq
