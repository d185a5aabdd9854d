#include "nq/verify.hpp"

#include <catch2/catch.hpp>
#include <utility>

#include "onnx/edit.hpp"
#include "pipeline/pair_saturation.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"

using namespace nq;
using namespace nq::test;

namespace {

/// x -> [Clip] -> QuantizeLinear -> DequantizeLinear -> MatMul -> y with an int8 weight [4, 2].
struct QdqText {
  std::string zero_point = "int8 z = {0}";
  std::string weight = "int8[4,2] w = {1,2,3,4,5,6,7,8}";
  std::string weight_scale = "float[2] ws = {0.1,0.2}";
  std::string weight_zero = "int8[2] wz = {0,0}";
  std::string axis = "<axis=1>";
  std::string clip;
  int opset = 17;

  ModelFile model() const {
    const std::string body = "{\n" + clip + "xq = QuantizeLinear(" + (clip.empty() ? "x" : "c") +
                             ", s, z)\nxd = DequantizeLinear(xq, s, z)\nwd = DequantizeLinear " + axis +
                             " (w, ws, wz)\np = MatMul(xd, wd)\ny = Relu(p)\n}";
    return ModelFile::from_text(model_text("g (float[N,3,4] x) => (float[N,3,2] y)",
                                           {"float s = {0.5}", zero_point, weight, weight_scale, weight_zero,
                                            "float low = {-16.0}", "float high = {15.5}"},
                                           body, opset));
  }
};

bool has_error(const Verification& result, const std::string& text) {
  return std::any_of(result.findings.begin(), result.findings.end(), [&](const Finding& finding) {
    return finding.severity == Severity::error && finding.message.find(text) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("the portable form passes for every target", "[pipeline][verify]") {
  for (const char* name : {"portable", "ort-cpu", "tensorrt", "openvino"}) {
    const Verification result = verify(QdqText().model(), target_from(name));
    INFO(name);
    CHECK(result.passed());
    CHECK(result.num_int8() == 1);
    CHECK(to_string(result.target) == name);
  }
  CHECK_ERROR(target_from("cuda"), usage, "ort-cpu");
}

TEST_CASE("what only some targets take", "[pipeline][verify]") {
  QdqText form;
  form.zero_point = "uint8 z = {100}";
  CHECK(verify(form.model(), Target::ort_cpu).passed());
  CHECK(verify(form.model(), Target::openvino).passed());
  const Verification tensorrt = verify(form.model(), Target::tensorrt);
  CHECK_FALSE(tensorrt.passed());
  CHECK(has_error(tensorrt, "TensorRT takes no uint8"));
  CHECK(has_error(tensorrt, "zero points of 0"));
  CHECK(tensorrt.products[0].reason == "TensorRT takes int8, and it has uint8");
  CHECK_FALSE(verify(form.model(), Target::portable).passed());

  form = QdqText();
  form.weight_zero = "int8[2] wz = {0,1}";
  CHECK(verify(form.model(), Target::openvino).num_int8() == 1);
  CHECK(verify(form.model(), Target::tensorrt).products[0].reason == "TensorRT takes zero points of 0");
}

TEST_CASE("int4 weights run on integers behind a Cast alone", "[pipeline][verify]") {
  // The text form of models has no int4: the weight is put in by an edit.
  const auto form = [](bool cast) {
    ModelEdit edit(ModelFile::from_text(
        model_text("g (float[N,3,4] x) => (float[N,3,2] y)",
                   {"float s = {0.5}", "int8 z = {0}", "float[2] ws = {0.1,0.2}", "float[4,2] w = {0,0,0,0,0,0,0,0}"},
                   "{ q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) p = MatMul(d, w) y = Relu(p) }", 21)));
    Tensor codes(TensorType{DType::i4, {4, 2}});
    const std::vector<std::int8_t> values = {1, -2, 7, 4, 5, 6, 7, -8};
    std::copy(values.begin(), values.end(), reinterpret_cast<std::int8_t*>(codes.mutable_data()));
    std::string weight = edit.add_initializer("codes", codes);
    if (cast) edit.insert_before("p", {"Cast", "cast", {std::exchange(weight, "bytes")}, {"bytes"}, {{"to", std::int64_t{3}}}, {}, {}});
    edit.insert_before("p", {"DequantizeLinear", "dequantize", {weight, "ws"}, {"wd"}, {{"axis", std::int64_t{1}}}, {}, {}});
    edit.set_input("p", 1, "wd");
    edit.raise_opset(21, [](const std::string&) { return 3; });
    return edit.finish();
  };
  const ModelFile direct = form(false);
  const ModelFile cast = form(true);
  CHECK(verify(direct, Target::ort_cpu).products[0].reason == "its weight is int4, not 8 bits");
  const Verification folded = verify(cast, Target::ort_cpu);
  CHECK(folded.passed());
  CHECK(folded.products[0].largest_pair_sum == 255 * 12);
  CHECK(verify(cast, Target::tensorrt).products[0].reason == "TensorRT takes int8 codes as stored, and they are int4");
  const Tensor input = random_tensor({1, 3, 4}, "x");
  CHECK(floats(run(direct, {input})[0]) == floats(run(cast, {input})[0]));
}

TEST_CASE("broken rules are found whatever the target", "[pipeline][verify]") {
  QdqText form;
  form.axis = "<axis=0>";
  form.weight_scale = "float[4] ws = {0.1,0.2,0.1,0.1}";
  form.weight_zero = "int8[4] wz = {0,0,0,0}";
  CHECK(has_error(verify(form.model(), Target::ort_cpu), "no output channel"));

  form = QdqText();
  form.weight_scale = "float[2] ws = {0.1,0.0}";
  CHECK(has_error(verify(form.model(), Target::ort_cpu), "1 of its 2 scales are not positive"));

  form = QdqText();
  form.axis = "";
  const Verification result = verify(form.model(), Target::ort_cpu);
  CHECK(result.passed());
  REQUIRE(result.findings.size() == 1);
  CHECK(result.findings[0].message == "the axis of its scales is not written; 1 is meant");
}

TEST_CASE("pair sums are bounded by the codes that can occur", "[pipeline][verify]") {
  // Column of 127, 127: 255 * 254 for bytes, 63 * 254 for 6 bits.
  CHECK(largest_pair_sum({127, 127}, 2, 1, {0, 255}) == 64770);
  CHECK(largest_pair_sum({127, 127}, 2, 1, {0, 63}) == 16002);
  // Signs cancel only where one code serves both.
  CHECK(largest_pair_sum({100, -100}, 2, 1, {0, 255}) == 25500);
  CHECK(largest_pair_sum({100, -100}, 2, 1, {10, 20}) == 1000);
  // Pairs go down a column; a last row stands alone.
  CHECK(largest_pair_sum({1, 2, 3, 4, 100, 5}, 3, 2, {0, 10}) == 1000);
  CHECK(largest_pair_sum({-128, -128}, 2, 1, {0, 255}) == 65280);

  QdqText form;
  CHECK(verify(form.model(), Target::ort_cpu).products[0].saturation == Saturation::impossible);
  form.weight = "int8[4,2] w = {127,2,127,4,5,6,7,8}";
  const Verification wide = verify(form.model(), Target::ort_cpu);
  CHECK(wide.products[0].saturation == Saturation::possible);
  CHECK(wide.products[0].largest_pair_sum == 64770);
  // Six bits in front: codes -32..31 are bytes 96..159.
  form.clip = "c = Clip(x, low, high)\n";
  const Verification narrow = verify(form.model(), Target::ort_cpu);
  CHECK(narrow.products[0].largest_pair_sum == 159 * 254);
}
