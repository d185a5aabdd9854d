#include <catch2/catch.hpp>
#include <set>

#include "nq/onnx_limits.hpp"
#include "nq/op.hpp"
#include "support/models.hpp"

namespace nq {

TEST_CASE("every deliberate limit has one reason and is no supported operator", "[onnx]") {
  std::set<std::string_view> seen;
  for (const OnnxLimit& limit : onnx_limits()) {
    CHECK(seen.insert(limit.feature).second);
    CHECK_FALSE(limit.reason.empty());
    for (int opset = 1; opset <= 28; ++opset) CHECK(builtin_ops().find("", limit.feature, opset) == nullptr);
  }
}

TEST_CASE("the limits of a model are found, also in subgraphs", "[onnx]") {
  const auto limits = [](const std::string& signature, const std::string& body,
                         const std::vector<std::string>& initializers = {}) {
    std::vector<std::string> names;
    for (const OnnxLimit& limit :
         limits_of(ModelFile::from_text(test::model_text(signature, initializers, body)))) {
      names.emplace_back(limit.feature);
    }
    return names;
  };
  CHECK(limits("g (float[2] x) => (float[2] y)", "{ y = Relu(x) }").empty());
  CHECK(limits("g (string[2] x) => (string[2] y)", "{ y = Identity(x) }") ==
        std::vector<std::string>{"string"});
  CHECK(limits("g (float[2] x) => (float[2] y)",
               "{ y = If<then_branch = t () => (float[2] r) { r = Loop<body = b () => (float[2] s) { s = "
               "Relu(x) }>(c) }, "
               "else_branch = e () => (float[2] q) { q = Relu(x) }>(c) }",
               {"bool c = {1}"}) == std::vector<std::string>{"Loop"});
}

}  // namespace nq
