#include <catch2/catch.hpp>
#include <map>

#include "core/rng.hpp"
#include "exec/plan_impl.hpp"
#include "nq/executor.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"

namespace nq {
namespace {

using test::floats;
using test::model_text;

/// A random graph of elementwise, shape and movement operators over float[4,6] and its reorderings.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint64_t seed) : stream_(seed, "graph") {
    values_ = {{"x", false}, {"z", false}};
    for (int node = 0; node < 24; ++node) add_node(node);
  }

  Graph graph() const {
    return ModelFile::from_text(model_text("g (float[4,6] x, float[4,6] z) => (" + outputs() + ")",
                                           {test::initializer_text("row", {6}), "int64[2] wide = {4, 6}",
                                            "int64[2] tall = {6, 4}"},
                                           "{" + body_ + "}"))
        .to_graph();
  }

 private:
  struct Item {
    std::string name;
    bool tall;  ///< shape [6,4] instead of [4,6]
  };

  const Item& pick() { return values_[stream_.next() % values_.size()]; }

  void add_node(int index) {
    const std::string name = "v" + std::to_string(index);
    const Item first = pick();
    Item second = pick();
    for (int attempt = 0; attempt < 8 && second.tall != first.tall; ++attempt) second = pick();
    if (second.tall != first.tall) second = first;
    bool tall = first.tall;
    std::string call;
    switch (stream_.next() % 9) {
      case 0: call = "Add(" + first.name + ", " + second.name + ")"; break;
      case 1: call = "Mul(" + first.name + ", " + second.name + ")"; break;
      case 2: call = "Sub(" + second.name + ", " + first.name + ")"; break;
      case 3: call = "Tanh(" + first.name + ")"; break;
      case 4: call = "Relu(" + first.name + ")"; break;
      case 5:
        call = "Transpose<perm = [1, 0]>(" + first.name + ")";
        tall = !tall;
        break;
      case 6:
        call = "Reshape(" + first.name + (tall ? ", wide)" : ", tall)");
        tall = !tall;
        break;
      case 7: call = tall ? "Neg(" + first.name + ")" : "Add(" + first.name + ", row)"; break;
      default: call = "Softmax<axis = -1>(" + first.name + ")"; break;
    }
    body_ += name + " = " + call + "\n";
    values_.push_back({name, tall});
  }

  std::string outputs() const {
    std::string text;
    for (std::size_t at = values_.size() - 3; at < values_.size(); ++at) {
      text += (text.empty() ? "" : ", ") + std::string("float[") + (values_[at].tall ? "6,4" : "4,6") + "] " +
              values_[at].name;
    }
    return text;
  }

  RandomStream stream_;
  std::vector<Item> values_;
  std::string body_;
};

std::vector<ValueId> produced_values(const TypedGraph& typed) {
  std::vector<ValueId> values;
  for (const NodeId id : typed.graph.order()) {
    for (const ValueId output : typed.graph.node(id).outputs) {
      if (output.valid()) values.push_back(output);
    }
  }
  return values;
}

using Snapshot = std::map<ValueId, std::vector<float>>;

Snapshot tapped_run(const Plan& plan, const std::vector<Tensor>& inputs) {
  Snapshot seen;
  Executor executor(plan);
  (void)executor.run(inputs,
                     [&seen](ValueId id, const TensorView& view) { seen[id] = to_vector<float>(view); });
  return seen;
}

}  // namespace

TEST_CASE("memory reuse never changes a value", "[exec][property]") {
  const std::vector<Tensor> inputs = {test::random_tensor({4, 6}, "x"), test::random_tensor({4, 6}, "z")};
  std::size_t reused = 0;
  std::size_t separate = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    const TypedGraph typed = specialize(RandomGraph(seed).graph(), {});
    const std::vector<ValueId> values = produced_values(typed);
    // Every value a target: each keeps its own memory to the end, nothing is reused.
    const Plan no_reuse = make_plan(typed, {{}, values});
    const std::vector<Tensor> expected = Executor(no_reuse).run(inputs);
    const Plan plan = make_plan(typed, {values, {}});
    const Snapshot seen = tapped_run(plan, inputs);
    for (std::size_t k = 0; k < values.size(); ++k) {
      INFO("value " << typed.graph.value(values[k]).name);
      REQUIRE(seen.at(values[k]) == floats(expected[k]));
    }
    Executor executor(make_plan(typed));
    const std::vector<Tensor> outputs = executor.run(inputs);
    const std::vector<Tensor> again = executor.run(inputs);
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const auto at = std::find(values.begin(), values.end(), typed.graph.outputs[k]) - values.begin();
      REQUIRE(floats(outputs[k]) == floats(expected[static_cast<std::size_t>(at)]));
      REQUIRE(floats(again[k]) == floats(outputs[k]));
    }
    reused += make_plan(typed).arena_bytes();
    separate += no_reuse.arena_bytes();
  }
  CHECK(reused < separate / 2);
}

TEST_CASE("inputs are never overwritten", "[exec]") {
  const Graph graph =
      ModelFile::from_text(model_text("g (float[4] x) => (float[4] y)", {}, "{ a = Neg(x) y = Add(a, x) }"))
          .to_graph();
  const Tensor input = test::random_tensor({4}, "x");
  Executor executor(make_plan(specialize(graph, {})));
  (void)executor.run({&input, 1});
  CHECK(floats(input) == test::random_values(4, "x"));
}

TEST_CASE("outputs may be inputs, constants, views and repeated", "[exec]") {
  const ModelFile model = ModelFile::from_text(model_text(
      "g (float[2,3] x) => (float[2,3] x, float[2] k, float[6] v, float[6] v)",
      {"float[2] k = {1, 2}", "int64[1] flat = {-1}"}, "{ v = Reshape(x, flat) unused = Neg(v) }"));
  const Tensor input = test::random_tensor({2, 3}, "x");
  const std::vector<Tensor> outputs = test::run(model, {input});
  REQUIRE(outputs.size() == 4);
  CHECK(floats(outputs[0]) == floats(input));
  CHECK(floats(outputs[1]) == std::vector<float>{1, 2});
  CHECK(outputs[2].shape() == Shape{6});
  CHECK(floats(outputs[3]) == floats(input));
}

TEST_CASE("a plan runs only what its targets need", "[exec]") {
  const TypedGraph typed =
      specialize(ModelFile::from_text(model_text("g (float[4] x) => (float[4] y)", {},
                                                 "{ a = Neg(x) b = Exp(a) y = Relu(b) }"))
                     .to_graph(),
                 {});
  const ValueId a = *typed.graph.find_value("a");
  const Plan plan = make_plan(typed, {{a}, std::vector{a}});
  CHECK(plan.num_steps() == 1);
  CHECK(plan.input_types() == std::vector<TensorType>{{DType::f32, {4}}});
  const Tensor input = test::random_tensor({4}, "x");
  const auto result = Executor(plan).run({&input, 1});
  REQUIRE(result.size() == 1);
  CHECK(floats(result[0])[0] == -floats(input)[0]);
}

TEST_CASE("a tap inside a group of fused nodes shows", "[exec]") {
  const TypedGraph typed = specialize(
      ModelFile::from_text(model_text("g (float[2,4] x) => (float[2,3] y)", {"float[4,3] w = {1,2,3,4,5,6,7,8,9,1,2,3}", "float[3] b = {1,2,3}"},
                                      "{ a = Neg(x) p = MatMul(a, w) y = Add(p, b) }"))
          .to_graph(),
      {});
  CHECK(fuses_around(typed, {*typed.graph.find_value("a"), *typed.graph.find_value("y")}));
  CHECK_FALSE(fuses_around(typed, {*typed.graph.find_value("p")}));
}

TEST_CASE("taps also see graph inputs and constants", "[exec]") {
  const TypedGraph typed =
      specialize(ModelFile::from_text(model_text("g (float[2] x) => (float[2] y)", {"float[2] w = {3, 4}"},
                                                 "{ y = Add(x, w) }"))
                     .to_graph(),
                 {});
  const ValueId x = *typed.graph.find_value("x");
  const ValueId w = *typed.graph.find_value("w");
  const Tensor input = Tensor::of(Shape{2}, std::vector<float>{1, 2});
  const Snapshot seen = tapped_run(make_plan(typed, {{x, w}, {}}), {input});
  CHECK(seen.at(x) == std::vector<float>{1, 2});
  CHECK(seen.at(w) == std::vector<float>{3, 4});
}

}  // namespace nq
