#include "nq/executor.hpp"

#include <catch2/catch.hpp>

#include "nq/tensor_file.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"

namespace nq {

TEST_CASE("inputs of another count, shape or type are refused", "[exec]") {
  const Graph graph =
      ModelFile::from_text(test::model_text("g (float[2] x) => (float[2] y)", {}, "{ y = Relu(x) }"))
          .to_graph();
  Executor executor(make_plan(specialize(graph, {})));
  const Tensor good = test::random_tensor({2}, "x");
  CHECK_NOTHROW(executor.run({&good, 1}));
  CHECK_ERROR(executor.run({}), usage, "needs 1 inputs, 0 were given");
  const Tensor wide = test::random_tensor({3}, "x");
  CHECK_ERROR(executor.run({&wide, 1}), usage, "model input 'x' must be float32[2], not float32[3]");
  const Tensor other = Tensor::of(Shape{2}, std::vector<double>{1, 2});
  CHECK_ERROR(executor.run({&other, 1}), usage, "not float64[2]");
  // A refused call does not spoil the next one.
  CHECK(test::floats(executor.run({&good, 1})[0]).size() == 2);
}

TEST_CASE("errors at run time name the node", "[exec]") {
  const Graph graph = ModelFile::from_text(test::model_text("g (float[2] x, int64[1] i) => (float[1] y)", {},
                                                            "{ y = Gather<axis = 0>(x, i) }"))
                          .to_graph();
  Executor executor(make_plan(specialize(graph, {})));
  const std::vector<Tensor> inputs = {test::random_tensor({2}, "x"),
                                      Tensor::of(Shape{1}, std::vector<std::int64_t>{7})};
  CHECK_ERROR(executor.run(inputs), input, "while running node 'y' (Gather)");
}

TEST_CASE("two executors share one plan", "[exec]") {
  const Graph graph = ModelFile::from_text(test::model_text("g (float[8] x) => (float[8] y)", {},
                                                            "{ a = Exp(x) y = Add(a, x) }"))
                          .to_graph();
  const Plan plan = make_plan(specialize(graph, {}));
  Executor first(plan);
  Executor second(plan);
  const Tensor a = test::random_tensor({8}, "a");
  const Tensor b = test::random_tensor({8}, "b");
  const auto expected = test::floats(first.run({&a, 1})[0]);
  (void)second.run({&b, 1});
  CHECK(test::floats(first.run({&a, 1})[0]) == expected);
  Executor moved = std::move(first);
  CHECK(test::floats(moved.run({&a, 1})[0]) == expected);
}

TEST_CASE("every shared graph gives PyTorch's output", "[exec]") {
  for (const auto& folder : test::shared_graphs()) {
    INFO(folder);
    const ModelFile model = ModelFile::load(folder / "model.onnx");
    const Tensor input = load_tensor(folder / "test_data_set_0/input_0.pb");
    const auto expected = test::floats(load_tensor(folder / "test_data_set_0/output_0.pb"));
    const auto actual = test::floats(test::run(model, {input})[0]);
    REQUIRE(actual.size() == expected.size());
    double error = 0;
    double power = 0;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      error += std::pow(static_cast<double>(actual[k]) - static_cast<double>(expected[k]), 2);
      power += std::pow(static_cast<double>(expected[k]), 2);
    }
    CHECK(std::sqrt(error / power) < 1e-5);
  }
}

}  // namespace nq
