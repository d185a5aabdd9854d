#include <catch2/catch.hpp>

#include "proto_edit.hpp"
#include "support/models.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

using test::floats;
using test::initializer_text;
using test::model_text;

/// A float16 model: a weight, a constant in a node, an attribute that names the type.
ModelFile half_model() {
  const ModelFile model = ModelFile::from_text(model_text("g (float16[2,8] x) => (float16[2,4] y)",
                                                          {initializer_text("w", {8, 4}), initializer_text("c", {1})},
                                                          R"({
    h = Cast<to = 10>(x)
    p = MatMul(h, w)
    y = Mul(p, c)
  })"));
  return test::with_proto(model, [](onnx::ModelProto& proto) {
    auto& graph = *proto.mutable_graph();
    auto& weight = *graph.mutable_initializer(0);
    weight.set_data_type(onnx::TensorProto::FLOAT16);
    for (int k = 0; k < weight.float_data_size(); ++k) weight.add_int32_data(0x3000 + 37 * k);
    weight.clear_float_data();
    auto& factor = *graph.mutable_initializer(1);
    factor.set_data_type(onnx::TensorProto::FLOAT16);
    factor.clear_float_data();
    factor.add_int32_data(0x3C01);
  });
}

Tensor half_input() {
  const ModelFile cast = ModelFile::from_text(model_text("g (float[2,8] x) => (float16[2,8] y)", {}, "{ y = Cast<to = 10>(x) }"));
  return test::run(cast, {test::random_tensor({2, 8}, "x")})[0];
}

}  // namespace

TEST_CASE("a float16 model becomes float32 with the same values", "[onnx]") {
  const ModelFile half = half_model();
  const ModelFile whole = half.in_float32();
  CHECK_NOTHROW(whole.check());
  CHECK(whole.sha256() == half.sha256());
  const onnx::ModelProto proto = test::proto_of(whole);
  for (const auto& tensor : proto.graph().initializer()) CHECK(tensor.data_type() == onnx::TensorProto::FLOAT);
  const Tensor x = half_input();
  const Tensor expected = test::run(half, {x})[0];
  const Tensor input = Tensor::of(x.shape(), to_vector<float>(x.view()));
  const Tensor output = test::run(whole, {input})[0];
  REQUIRE(expected.dtype() == DType::f16);
  REQUIRE(output.dtype() == DType::f32);
  for (std::size_t k = 0; k < floats(output).size(); ++k) {
    CHECK(floats(output)[k] == Approx(floats(expected)[k]).epsilon(2e-3));
  }
}

TEST_CASE("bfloat16, branches and local functions become float32", "[onnx]") {
  const ModelFile model = test::with_proto(half_model(), [](onnx::ModelProto& proto) {
    auto& graph = *proto.mutable_graph();
    onnx::GraphProto branch;
    branch.set_name("branch");
    auto& constant = *branch.add_node();
    constant.set_op_type("Constant");
    constant.add_output("inner");
    auto& value = *constant.add_attribute();
    value.set_name("value");
    value.set_type(onnx::AttributeProto::TENSOR);
    value.mutable_t()->set_data_type(onnx::TensorProto::BFLOAT16);
    value.mutable_t()->add_int32_data(0x3F80);
    auto& holder = *graph.mutable_node(0)->add_attribute();
    holder.set_name("then_branch");
    holder.set_type(onnx::AttributeProto::GRAPH);
    *holder.mutable_g() = branch;
    auto& function = *proto.add_functions();
    function.set_name("f");
    auto& cast = *function.add_node();
    cast.set_op_type("Cast");
    auto& to = *cast.add_attribute();
    to.set_name("to");
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(onnx::TensorProto::FLOAT16);
  });
  const onnx::ModelProto whole = test::proto_of(model.in_float32());
  const auto& attributes = whole.graph().node(0).attribute();
  const auto& inner = attributes[attributes.size() - 1].g().node(0).attribute(0).t();
  CHECK(inner.data_type() == onnx::TensorProto::FLOAT);
  CHECK(whole.functions(0).node(0).attribute(0).i() == onnx::TensorProto::FLOAT);
}

TEST_CASE("the digest of the content does not depend on where weights lie", "[onnx]") {
  const test::TempDir folder;
  const ModelFile model = ModelFile::from_text(
      model_text("g (float[2,64] x) => (float[2,64] y)", {initializer_text("w", {64, 64})}, "{ y = MatMul(x, w) }"));
  std::string raw;
  for (const float value : test::random_values(64 * 64, "w", 1.0F)) raw.append(reinterpret_cast<const char*>(&value), 4);
  const auto with_raw = [&raw](onnx::ModelProto& proto, bool external) {
    auto& tensor = *proto.mutable_graph()->mutable_initializer(0);
    tensor.clear_float_data();
    tensor.clear_raw_data();
    if (!external) {
      tensor.set_raw_data(raw);
      return;
    }
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    auto* entry = tensor.add_external_data();
    entry->set_key("location");
    entry->set_value("w.bin");
  };
  folder.write("w.bin", raw);
  const ModelFile inside = test::with_proto(model, [&](onnx::ModelProto& proto) { with_raw(proto, false); });
  const ModelFile outside = test::with_proto(model, [&](onnx::ModelProto& proto) { with_raw(proto, true); }, folder.path());
  CHECK(inside.content_sha256() == outside.content_sha256());
  CHECK(inside.sha256() != outside.sha256());
  raw[5] = static_cast<char>(raw[5] ^ 1);
  const ModelFile other = test::with_proto(model, [&](onnx::ModelProto& proto) { with_raw(proto, false); });
  CHECK(other.content_sha256() != inside.content_sha256());
}

}  // namespace nq
