// Model bytes: refused, or read, checked, inferred, searched for layers and planned both ways.

#include "fuzz_support.hpp"
#include "nq/executor.hpp"
#include "nq/linear_site.hpp"
#include "nq/model_file.hpp"

namespace {

constexpr double kMaxBytes = 1 << 24;  ///< of all values: more takes long and reaches no other code

/// A size for every input dimension that the model leaves open.
nq::Specialization small_shapes(const nq::Graph& graph) {
  nq::Specialization spec;
  for (const nq::ValueId input : graph.inputs) {
    const auto& value = graph.value(input);
    if (!value.declared || !value.declared->has_shape) continue;
    nq::Shape shape;
    for (const auto& dim : value.declared->dims) shape.push_back(dim.is_static() ? dim.value : 2);
    spec.shapes.emplace(value.name, shape);
  }
  return spec;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nq;
  fuzz::refuse_or([&] {
    const ModelFile model = ModelFile::parse(std::string(reinterpret_cast<const char*>(data), size), fuzz::empty_folder());
    const Graph graph = model.to_graph();
    const TypedGraph typed = specialize(graph, small_shapes(graph));
    if (fuzz::bytes_of(typed) > kMaxBytes) return;
    (void)find_linear_sites(typed);
    (void)make_plan(typed);
    PlanOptions reference;
    reference.kernels = KernelChoice::reference;
    (void)make_plan(typed, reference);
  });
  return 0;
}
