#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>

#include "nq/model_file.hpp"
#include "proto_edit.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

using test::floats;
using test::TempDir;

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

using Entries = std::vector<std::pair<std::string, std::string>>;

/// x[2] + w[2] with w stored as the entries say.
std::string external_model(const Entries& entries) {
  const ModelFile plain = ModelFile::from_text(
      test::model_text("g (float[2] x) => (float[2] y)", {"float[2] w = {1, 2}"}, "{ y = Add(x, w) }"));
  onnx::ModelProto proto = test::proto_of(plain);
  auto& tensor = *proto.mutable_graph()->mutable_initializer(0);
  tensor.clear_float_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    auto* entry = tensor.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  return proto.SerializeAsString();
}

Graph load(const TempDir& folder, const Entries& entries) {
  return ModelFile::load(folder.write("model/m.onnx", external_model(entries))).to_graph();
}

const Tensor kHalves = Tensor::of(Shape{2}, std::vector<float>{0.5F, 0.25F});

}  // namespace

TEST_CASE("external tensors are read at their offset", "[onnx]") {
  const TempDir folder;
  folder.write("model/w.bin", bytes_of({9, 9, 10, 20, 9}));
  const Graph graph = load(folder, {{"location", "w.bin"}, {"offset", "8"}, {"length", "8"}});
  CHECK(floats(test::run(graph, {kHalves})[0]) == std::vector<float>{10.5, 20.25});
  // Without a length the tensor's own size counts; a misaligned offset is copied.
  folder.write("model/odd.bin", "z" + bytes_of({7, 8}));
  CHECK(floats(test::run(load(folder, {{"location", "odd.bin"}, {"offset", "1"}}), {kHalves})[0]) ==
        std::vector<float>{7.5, 8.25});
  folder.write("model/sub/w.bin", bytes_of({1, 2}));
  CHECK(floats(test::run(load(folder, {{"location", "sub/../sub/w.bin"}}), {kHalves})[0]) ==
        std::vector<float>{1.5, 2.25});
}

TEST_CASE("external data outside the model's folder is refused", "[onnx]") {
  const TempDir folder;
  folder.write("w.bin", bytes_of({1, 2}));
  folder.write("model/unused", "");
  const std::string text = "lies outside the model's folder";
  CHECK_ERROR(load(folder, {{"location", "../w.bin"}}), input, text);
  CHECK_ERROR(load(folder, {{"location", "sub/../../w.bin"}}), input, text);
  CHECK_ERROR(load(folder, {{"location", (folder / "w.bin").string()}}), input, text);
  folder.write("model/inside.bin", bytes_of({1, 2}));
  CHECK_ERROR(load(folder, {{"location", (folder / "model/inside.bin").string()}}), input, text);
  std::filesystem::create_symlink(folder / "w.bin", folder / "model/link.bin");
  CHECK_ERROR(load(folder, {{"location", "link.bin"}}), input, text);
  std::filesystem::create_directory_symlink(folder.path(), folder / "model/up");
  CHECK_ERROR(load(folder, {{"location", "up/w.bin"}}), input, text);
  // A folder whose name begins like the model's is another folder.
  folder.write("model2/w.bin", bytes_of({1, 2}));
  CHECK_ERROR(load(folder, {{"location", "../model2/w.bin"}}), input, text);
}

TEST_CASE("external data that is missing, short or odd is refused by name", "[onnx]") {
  const TempDir folder;
  folder.write("model/w.bin", bytes_of({1, 2}));
  std::filesystem::create_directory(folder / "model/sub");
  CHECK_ERROR(load(folder, {{"location", "gone.bin"}}), input, "gone.bin");
  CHECK_ERROR(load(folder, {{"location", "sub"}}), input, "not a regular file");
  CHECK_ERROR(load(folder, {{"location", "."}}), input, "not a regular file");
  CHECK_ERROR(load(folder, {{"location", std::string(300, 'n')}}), input, "external data");
  CHECK_ERROR(load(folder, {{"location", std::string("w.bin\0x", 7)}}), input, "zero byte");
  CHECK_ERROR(load(folder, {}), input, "no location");
  CHECK_ERROR(load(folder, {{"location", "w.bin"}, {"offset", "4"}}), input, "ends at 8 bytes");
  CHECK_ERROR(load(folder, {{"location", "w.bin"}, {"offset", "18446744073709551615"}}), input,
              "ends at 8 bytes");
  CHECK_ERROR(load(folder, {{"location", "w.bin"}, {"length", "4"}}), input, "length 4");
  CHECK_ERROR(load(folder, {{"location", "w.bin"}, {"offset", "-1"}}), input, "not a number");
  CHECK_ERROR(load(folder, {{"location", "w.bin"}, {"length", "8 "}}), input, "not a number");
}

TEST_CASE("the digest of a model covers its external data", "[onnx]") {
  const TempDir folder;
  folder.write("model/w.bin", bytes_of({1, 2}));
  folder.write("model/m.onnx", external_model({{"location", "w.bin"}}));
  const std::string first = ModelFile::load(folder / "model/m.onnx").sha256();
  CHECK(ModelFile::load(folder / "model/m.onnx").sha256() == first);
  folder.write("model/w.bin", bytes_of({1, 3}));
  CHECK(ModelFile::load(folder / "model/m.onnx").sha256() != first);
}

TEST_CASE("external data that changes in use is an error", "[onnx]") {
  const TempDir folder;
  const auto fresh = [&] {
    folder.write("model/w.bin", bytes_of({1, 2}));
    return ModelFile::load(folder.write("model/m.onnx", external_model({{"location", "w.bin"}})));
  };
  // Within a tick of the clock a write does not show; a test cannot wait for less.
  const auto write_later = [&](const std::string& name) {
    const auto file = folder.write(name, bytes_of({1, 3}));
    std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(1));
  };
  {
    INFO("written to between reading and hashing");
    const ModelFile model = fresh();
    const Graph graph = model.to_graph();
    write_later("model/w.bin");
    CHECK_ERROR(model.sha256(), input, "'w.bin' changed while the model was in use");
  }
  {
    INFO("another file of that name, while the first is still read");
    const ModelFile model = fresh();
    const std::string digest = model.sha256();
    const ModelFile used = fresh();
    const Graph graph = used.to_graph();
    write_later("model/new.bin");
    std::filesystem::rename(folder / "model/new.bin", folder / "model/w.bin");
    CHECK(used.sha256() == digest);
    CHECK(floats(test::run(used.to_graph(), {kHalves})[0]) == std::vector<float>{1.5, 2.25});
  }
  {
    INFO("another file of that name, hashed after the first was let go");
    const ModelFile model = fresh();
    (void)model.to_graph();
    write_later("model/new.bin");
    std::filesystem::rename(folder / "model/new.bin", folder / "model/w.bin");
    CHECK_ERROR(model.sha256(), input, "'w.bin' changed while the model was in use");
  }
}

TEST_CASE("a model saved beside its external data still loads", "[onnx]") {
  const TempDir folder;
  folder.write("model/w.bin", bytes_of({1, 2}));
  const ModelFile model =
      ModelFile::load(folder.write("model/m.onnx", external_model({{"location", "w.bin"}})));
  CHECK_NOTHROW(model.check());
  model.save(folder / "model/copy.onnx");
  CHECK(floats(test::run(ModelFile::load(folder / "model/copy.onnx"), {kHalves})[0]) ==
        std::vector<float>{1.5, 2.25});
}

TEST_CASE("a model saved elsewhere takes its external data along", "[onnx]") {
  const TempDir folder;
  folder.write("model/w.bin", bytes_of({1, 2}));
  std::filesystem::create_directory(folder / "other");
  const ModelFile model =
      ModelFile::load(folder.write("model/m.onnx", external_model({{"location", "w.bin"}})));
  model.save(folder / "other/copy.onnx");
  std::filesystem::remove_all(folder / "model");
  CHECK(floats(test::run(ModelFile::load(folder / "other/copy.onnx"), {kHalves})[0]) ==
        std::vector<float>{1.5, 2.25});
}

}  // namespace nq
