#include <catch2/catch.hpp>

#include "onnx/edit.hpp"
#include "proto_edit.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

using test::floats;
using test::model_text;
using test::run;

/// A body at an old opset gives the same values after it was raised.
void check_upgrade(const std::string& output, const std::string& body, int opset, const Shape& input_shape,
                   int target = 13) {
  INFO(body);
  std::string dims;
  for (const auto dim : input_shape) dims += (dims.empty() ? "" : ",") + std::to_string(dim);
  const ModelFile old =
      ModelFile::from_text(model_text("g (float[" + dims + "] x) => (" + output + " y)", {}, body, opset));
  REQUIRE_NOTHROW(old.check());
  ModelEdit edit(old);
  const int rank = input_shape.rank();
  edit.raise_opset(target, [rank](const std::string&) { return rank; });
  const ModelFile raised = edit.finish();
  CHECK(raised.opset() == target);
  CHECK(raised.ir_version() >= (target == 13 ? 7 : 10));
  REQUIRE_NOTHROW(raised.check());
  const Tensor input = test::random_tensor(input_shape, "x");
  const Tensor before = run(old, {input})[0];
  const Tensor after = run(raised, {input})[0];
  CHECK(before.type() == after.type());
  CHECK(floats(before) == floats(after));
}

}  // namespace

TEST_CASE("arguments that became inputs move there", "[onnx]") {
  check_upgrade("float[2,3,4]", "{ t = Unsqueeze<axes = [0, 4]>(x) y = Squeeze<axes = [0, 4]>(t) }", 11,
                {2, 3, 4});
  check_upgrade("float[3,4]", "{ y = Squeeze(x) }", 11, {1, 3, 4});
  check_upgrade("float[2,1,4]", "{ a, b = Split<axis = 1, split = [1, 2]>(x) y = Identity(a) }", 11,
                {2, 3, 4});
  check_upgrade("float[2,2,4]", "{ a, b = Split<axis = 1>(x) y = Identity(b) }", 11, {2, 4, 4});
  check_upgrade("float[2,1,4]", "{ y = ReduceSum<axes = [1]>(x) }", 11, {2, 3, 4});
  check_upgrade("float[2,4]", "{ y = ReduceSum<axes = [1], keepdims = 0>(x) }", 11, {2, 3, 4});
  check_upgrade("float[1,1,1]", "{ y = ReduceSum(x) }", 11, {2, 3, 4});
  check_upgrade("float[2,3,4]", "{ y = Softmax<axis = 2>(x) }", 11, {2, 3, 4});
  check_upgrade("float[2,3,4]", "{ y = Softmax<axis = -1>(x) }", 11, {2, 3, 4});
  check_upgrade("float[6,4]", "{ y = LogSoftmax(x) }", 11, {6, 4});
  check_upgrade("float[2,3,4]", "{ y = Dropout<ratio = 0.4>(x) }", 10, {2, 3, 4});
}

TEST_CASE("forms of opsets before 11 are raised too", "[onnx]") {
  check_upgrade("float[2,3]", "{ y = Clip<min = -0.5, max = 0.5>(x) }", 10, {2, 3});
  check_upgrade("float[2,3]", "{ y = Clip<max = 0.5>(x) }", 10, {2, 3});
  check_upgrade("float[2,3]", "{ y = Clip<min = -0.5>(x) }", 10, {2, 3});
  check_upgrade("float[2,3]", "{ y = Clip(x) }", 10, {2, 3});
  check_upgrade("float[3,6]", "{ y = Pad<pads = [0, 1, 1, 2], value = 1.5>(x) }", 10, {2, 3});
  check_upgrade("float[2,5]", "{ y = Pad<mode = \"reflect\", pads = [0, 1, 0, 1]>(x) }", 10, {2, 3});
  check_upgrade("float[1,3]", "{ y = Slice<axes = [0], starts = [1], ends = [2]>(x) }", 9, {2, 3});
  check_upgrade("float[2,2]", "{ y, i = TopK<k = 2>(x) }", 9, {2, 3});
}

TEST_CASE("forms of opsets before 21 are raised for types that came with it", "[onnx]") {
  for (const int opset : {11, 13, 17}) {
    for (const char* reduce : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"}) {
      check_upgrade("float[2,4]", std::string("{ y = ") + reduce + "<axes = [1], keepdims = 0>(x) }", opset, {2, 3, 4}, 21);
    }
    check_upgrade("float[1,1,1]", "{ y = ReduceMean(x) }", opset, {2, 3, 4}, 21);
    check_upgrade("float[2,2,4]", "{ a, b = Split<axis = 1>(x) y = Identity(b) }", opset, {2, 4, 4}, 21);
  }
  check_upgrade("float[2,4]", "{ y = ReduceSum<axes = [1], keepdims = 0>(x) }", 11, {2, 3, 4}, 21);
  check_upgrade("float[2,1,4]", "{ a, b = Split<axis = 1, split = [1, 2]>(x) y = Identity(a) }", 11, {2, 3, 4}, 21);
  check_upgrade("float[2,3,4]", "{ y = Softmax<axis = 2>(x) }", 11, {2, 3, 4}, 21);
}

TEST_CASE("a model at opset 18 keeps what already had its form", "[onnx]") {
  const ModelFile old = ModelFile::from_text(model_text("g (float[2,4] x) => (float[2,2] y)", {"int64[1] axes = {1}"},
                                                        "{ a, b = Split<axis = 1, num_outputs = 2>(x) m = ReduceMean(x, axes) "
                                                        "y = Add(b, m) }",
                                                        18));
  ModelEdit edit(old);
  edit.raise_opset(21, [](const std::string&) { return 2; });
  const ModelFile raised = edit.finish();
  REQUIRE_NOTHROW(raised.check());
  const Tensor input = test::random_tensor({2, 4}, "x");
  CHECK(floats(run(old, {input})[0]) == floats(run(raised, {input})[0]));
}

TEST_CASE("what opset 21 gave another meaning is refused", "[onnx]") {
  ModelEdit edit(ModelFile::from_text(model_text("g (float[2,4,3] x) => (float[2,4,3] y)",
                                                 {"float[2] s = {1,1}", "float[2] b = {0,0}"},
                                                 "{ y = GroupNormalization<num_groups = 2>(x, s, b) }", 18)));
  CHECK_ERROR(edit.raise_opset(21, [](const std::string&) { return 3; }), unsupported, "GroupNormalization");
}

TEST_CASE("If branches are raised with the graph around them", "[onnx]") {
  const ModelFile old = ModelFile::from_text(
      model_text("g (float[2,1,3] x) => (float[2,3] y)", {"bool c = {1}"},
                 "{ y = If<then_branch = t () => (float[2,3] r) { r = Squeeze<axes = [1]>(x) }, "
                 "else_branch = e () => (float[2,3] q) { q = ReduceSum<axes = [1], keepdims = 0>(x) }>(c) }",
                 11));
  ModelEdit edit(old);
  edit.raise_opset(13, [](const std::string&) { return 3; });
  const ModelFile raised = edit.finish();
  CHECK_NOTHROW(raised.check());
  const Tensor input = test::random_tensor({2, 1, 3}, "x");
  CHECK(floats(run(old, {input})[0]) == floats(run(raised, {input})[0]));
}

TEST_CASE("a softmax over several axes has no equal form at opset 13", "[onnx]") {
  const ModelFile old = ModelFile::from_text(
      model_text("g (float[2,3,4] x) => (float[2,3,4] y)", {}, "{ y = Softmax<axis = 1>(x) }", 11));
  ModelEdit edit(old);
  CHECK_ERROR(edit.raise_opset(13, [](const std::string&) { return 3; }), unsupported,
              "flattens several axes");
}

TEST_CASE("opsets that are too old are refused", "[onnx]") {
  ModelEdit edit(
      ModelFile::from_text(model_text("g (float[2] x) => (float[2] y)", {}, "{ y = Relu(x) }", 7)));
  CHECK_ERROR(edit.raise_opset(13, [](const std::string&) { return 1; }), unsupported,
              "the model is at opset 7");
}

TEST_CASE("a model at opset 13 or later keeps its opset", "[onnx]") {
  const ModelFile model =
      ModelFile::from_text(model_text("g (float[2] x) => (float[2] y)", {}, "{ y = Relu(x) }", 15));
  ModelEdit edit(model);
  edit.raise_opset(13, [](const std::string&) { return 1; });
  CHECK(edit.finish().opset() == 15);
}

}  // namespace nq
