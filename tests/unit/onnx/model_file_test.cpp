#include "nq/model_file.hpp"

#include <catch2/catch.hpp>

#include "core/hash.hpp"
#include "proto_edit.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

using test::model_text;
using test::slurp;
using test::TempDir;

ModelFile relu() {
  return ModelFile::from_text(model_text("g (float[N,4] x) => (float[N,4] y)", {}, "{ y = Relu(x) }"));
}

}  // namespace

TEST_CASE("files that are no models are refused by name", "[onnx]") {
  const TempDir folder;
  const std::string bytes = relu().serialize();
  CHECK_ERROR(ModelFile::load(folder / "missing.onnx"), input, "missing.onnx");
  CHECK_ERROR(ModelFile::load(folder.path()), input, "not a regular file");
  CHECK_ERROR(ModelFile::load(folder.write("empty.onnx", "")), input, "is empty · while loading");
  CHECK_ERROR(ModelFile::load(folder.write("text.onnx", "this is not a model\n")), input, "text.onnx");
  CHECK_ERROR(ModelFile::load(folder.write("zeros.onnx", std::string(100, '\0'))), input, "zeros.onnx");
  CHECK_ERROR(ModelFile::load(folder.write("pk.onnx", "PK\x03\x04 zip archive")), input, "pk.onnx");
}

TEST_CASE("a model truncated anywhere is refused or still whole, never a crash", "[onnx]") {
  const std::string bytes =
      ModelFile::from_text(model_text("g (float[N,4] x) => (float[N,4] y)",
                                      {test::initializer_text("w", {4})}, "{ z = Add(x, w) y = Relu(z) }"))
          .serialize();
  int refused = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    try {
      (void)ModelFile::parse(bytes.substr(0, length)).to_graph();
    } catch (const Error& error) {
      ++refused;
      CHECK(error.kind() == ErrorKind::input);
    }
  }
  CHECK(refused > static_cast<int>(bytes.size()) / 2);
}

TEST_CASE("flipping any byte of a model gives a result or an nq::Error", "[onnx]") {
  const std::string bytes = ModelFile::from_text(model_text("g (float[2,4] x) => (float[2,4] y)",
                                                            {test::initializer_text("w", {4, 4})},
                                                            "{ z = MatMul(x, w) y = Softmax<axis = -1>(z) }"))
                                .serialize();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const unsigned flip : {1U, 0x80U, 0xFFU}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ flip);
      try {
        const Graph graph = ModelFile::parse(changed).to_graph();
        (void)specialize(graph, {});
      } catch (const Error& error) {
        INFO("byte " << at << ": " << error.full_text());
        CHECK(error.kind() != ErrorKind::internal);
      }
    }
  }
}

TEST_CASE("a model without graph, opset or output is refused", "[onnx]") {
  CHECK_ERROR(test::with_proto(relu(), [](auto& proto) { proto.clear_graph(); }), input, "no graph");
  CHECK_ERROR(test::with_proto(relu(), [](auto& proto) { proto.clear_opset_import(); }), input, "no opset");
  CHECK_ERROR(test::with_proto(relu(), [](auto& proto) { proto.mutable_graph()->clear_output(); }), input,
              "no output");
  CHECK_ERROR(ModelFile::from_text("nonsense"), input, "does not parse");
}

TEST_CASE("load and save give the same bytes", "[onnx]") {
  const TempDir folder;
  for (const auto& graph : test::shared_graphs()) {
    INFO(graph);
    const ModelFile model = ModelFile::load(graph / "model.onnx");
    model.save(folder / "copy.onnx");
    CHECK(slurp(folder / "copy.onnx") == slurp(graph / "model.onnx"));
    CHECK(model.sha256() == sha256_file(graph / "model.onnx"));
    CHECK(model.path() == graph / "model.onnx");
    CHECK_NOTHROW(model.check());
  }
}

TEST_CASE("a file that is overwritten in place between reading and hashing is an error, another file in its place is none", "[onnx]") {
  const TempDir folder;
  const std::string bytes = relu().serialize();
  std::string other = bytes;
  other.back() = static_cast<char>(other.back() ^ 1);
  const ModelFile model = ModelFile::load(folder.write("m.onnx", bytes));
  folder.write("new.onnx", other);
  std::filesystem::rename(folder / "new.onnx", folder / "m.onnx");
  CHECK(model.sha256() == sha256_hex(bytes));
  const ModelFile again = ModelFile::load(folder / "m.onnx");
  folder.write("m.onnx", bytes);
  CHECK_ERROR(again.sha256(), input, "changed while it was in use");
}

TEST_CASE("fields that this build does not know survive", "[onnx]") {
  // Field 999 with wire type 2, as a newer ONNX version may add to model and graph.
  const std::string unknown = std::string("\xBA\x3E\x03", 3) + "new";
  const std::string bytes = relu().serialize() + unknown;
  const ModelFile model = ModelFile::parse(bytes);
  CHECK(model.serialize() == bytes);
}

TEST_CASE("model properties are read", "[onnx]") {
  const ModelFile model = test::with_proto(relu(), [](auto& proto) {
    proto.set_producer_name("maker");
    proto.set_producer_version("2.1");
    auto* entry = proto.add_metadata_props();
    entry->set_key("color");
    entry->set_value("red");
  });
  CHECK(model.producer() == "maker 2.1");
  CHECK(model.opset() == 17);
  CHECK(model.ir_version() == 8);
  CHECK(model.metadata("color") == "red");
  CHECK_FALSE(model.metadata("absent").has_value());
  CHECK(model.metadata().size() == 1);
  CHECK(relu().metadata().empty());
  CHECK(model.sha256() == sha256_hex(model.serialize()));
  CHECK(model.sha256() != relu().sha256());
}

TEST_CASE("the checker's refusal is an input error", "[onnx]") {
  const ModelFile model = test::with_proto(
      relu(), [](auto& proto) { proto.mutable_graph()->mutable_node(0)->set_op_type("NoSuchOperator"); });
  CHECK_ERROR(model.check(), input, "NoSuchOperator");
  CHECK_NOTHROW(relu().check());
}

TEST_CASE("model text lists nodes, initializers and metadata", "[onnx]") {
  const ModelFile model = ModelFile::from_text(
      model_text("g (float[N,2] x) => (float[N,2] y)", {"float[2] w = {1.5, -2}"}, "{ y = Add(x, w) }"));
  const std::string text = model.to_text();
  CHECK_THAT(text, Catch::Matchers::Contains("y = Add(x, w)"));
  CHECK_THAT(text, Catch::Matchers::Contains("w float32[2] {1.5 -2}"));
  CHECK_THAT(text, Catch::Matchers::Contains("opset 17"));
}

}  // namespace nq
