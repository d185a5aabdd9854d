#include <onnx/onnx_pb.h>

#include <catch2/catch.hpp>

#include "nq/model_file.hpp"
#include "onnx/model_impl.hpp"
#include "support/errors.hpp"

namespace nq {
namespace {

/// A model of an opset that the linked ONNX library does not know, after `change`.
template <typename Change>
ModelFile newer_model(const Change& change) {
  onnx::ModelProto proto = ModelFile::from_text(R"(
    <ir_version: 10, opset_import: ["" : 21]>
    g (float[4] x) => (float[4] y) <float[4] w = {1, 2, 3, 4}> { a = Add(x, w) y = Relu(a) })").impl().proto;
  change(proto);
  return ModelFile::parse(proto.SerializeAsString());
}

}  // namespace

TEST_CASE("a sound model of a newer opset passes", "[onnx]") {
  CHECK_NOTHROW(newer_model([](onnx::ModelProto&) {}).check());
}

TEST_CASE("a broken model of a newer opset is refused with the reason", "[onnx]") {
  CHECK_ERROR(newer_model([](auto& proto) { proto.set_ir_version(9); }).check(), input, "opset 21 needs IR version 10");
  CHECK_ERROR(newer_model([](auto& proto) { *proto.add_opset_import() = proto.opset_import(0); }).check(), input, "imported twice");
  CHECK_ERROR(newer_model([](auto& proto) { *proto.mutable_graph()->add_initializer() = proto.graph().initializer(0); }).check(), input,
              "'w' is given twice");
  CHECK_ERROR(newer_model([](auto& proto) { proto.mutable_graph()->mutable_output(0)->clear_type(); }).check(), input,
              "output 'y' has no type");
  CHECK_ERROR(newer_model([](auto& proto) { proto.mutable_graph()->mutable_node(0)->set_domain("odd"); }).check(), input,
              "no opset for domain 'odd'");
  CHECK_ERROR(newer_model([](auto& proto) { proto.mutable_graph()->mutable_node(0)->add_attribute()->set_name("k"); }).check(), input,
              "attribute 'k' has no type");
  CHECK_ERROR(newer_model([](auto& proto) { proto.mutable_graph()->mutable_node(1)->set_input(0, "absent"); }).check(), input,
              "reads 'absent'");
  CHECK_ERROR(newer_model([](auto& proto) { proto.mutable_graph()->mutable_node(1)->set_output(0, "a"); }).check(), input, "'a'");
  CHECK_ERROR(newer_model([](auto& proto) { proto.mutable_graph()->mutable_initializer(0)->add_dims(3); }).check(), input, "in tensor 'w'");
}

}  // namespace nq
