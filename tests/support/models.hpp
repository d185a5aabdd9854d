#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "nq/executor.hpp"
#include "nq/model_file.hpp"
#include "support/random.hpp"

namespace nq::test {

/// ONNX text of an initializer with seeded normal values: "float[2,3] w = {...}".
inline std::string initializer_text(const std::string& name, const Shape& shape, float spread = 1.0F) {
  std::string dims;
  for (const std::int64_t dim : shape) dims += (dims.empty() ? "" : ",") + std::to_string(dim);
  // Six digits are enough for a seeded value; the text is what defines it.
  return fmt::format("float[{}] {} = {{{:.6}}}", dims, name,
                     fmt::join(random_values(shape.elements(), name, spread), ", "));
}

/// Model text from the graph's signature and body: "g (float[N,4] x) => (float[N,4] y)" and
/// "{ y = Relu(x) }", with initializers in between.
inline std::string model_text(const std::string& signature, const std::vector<std::string>& initializers,
                              const std::string& body, int opset = 17) {
  const std::string list = initializers.empty() ? "" : fmt::format("<{}>", fmt::join(initializers, ", "));
  return fmt::format("<ir_version: {}, opset_import: [\"\" : {}]>\n{}\n{}\n{}", opset < 13 ? 6 : 8, opset,
                     signature, list, body);
}

/// The typed graph of a model whose input shapes are fixed.
inline TypedGraph typed_of(const std::string& signature, const std::vector<std::string>& initializers, const std::string& body) {
  return specialize(ModelFile::from_text(model_text(signature, initializers, body)).to_graph(), {});
}

/// Runs a model on tensors in graph order.
inline std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs) {
  Specialization spec;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    spec.shapes.emplace(graph.value(graph.inputs.at(k)).name, inputs[k].shape());
  }
  return Executor(make_plan(specialize(graph, spec))).run(inputs);
}

inline std::vector<Tensor> run(const ModelFile& model, const std::vector<Tensor>& inputs) {
  return run(model.to_graph(), inputs);
}

inline std::vector<float> floats(const Tensor& tensor) { return to_vector<float>(tensor.view()); }

}  // namespace nq::test
