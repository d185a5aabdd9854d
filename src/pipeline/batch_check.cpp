#include "pipeline/batch_check.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "core/check.hpp"
#include "core/log.hpp"
#include "core/rng.hpp"
#include "nq/executor.hpp"
#include "pipeline/image_runner.hpp"

namespace nq {
namespace {

constexpr std::int64_t kLargestTracedBatch = 64;
/// Of the largest output: other batches may sum in another order, mixed images differ by far more.
constexpr double kSameImage = 1e-3;

Specialization at_batch(const ImageInput& input, std::int64_t batch) {
  Specialization spec;
  spec.shapes.emplace(input.name, input.shape(batch));
  return spec;
}

struct ReshapeShapes {
  std::string name;
  Shape in;
  Shape out;
};
using Trace = std::map<std::int32_t, ReshapeShapes>;

/// Shapes around every Reshape and of the outputs, or nothing when this batch does not fit the model.
std::optional<Trace> trace_shapes(const Graph& graph, const ImageInput& input, std::int64_t batch) {
  try {
    const TypedGraph typed = specialize(graph, at_batch(input, batch));
    Trace trace;
    for (const NodeId id : typed.graph.order()) {
      const Node& node = typed.graph.node(id);
      if (node.op_type != "Reshape" || !node.domain.empty()) continue;
      trace[id.index] = {node.display_name(), typed.type(node.inputs.front()).shape,
                         typed.type(node.outputs.front()).shape};
    }
    for (const ValueId output : typed.graph.outputs) {
      const Shape& shape = typed.type(output).shape;
      if (shape.rank() == 0 || shape[0] != batch) return std::nullopt;
    }
    return trace;
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Distances in elements at which the images of a batch may lie in a tensor: [least, most].
struct Strides {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

/// From the axis that a doubled batch doubles; nothing when that is no single axis.
std::optional<Strides> image_strides(const Shape& one, const Shape& two) {
  if (one.rank() != two.rank()) return std::nullopt;
  std::optional<int> axis;
  for (int k = 0; k < one.rank(); ++k) {
    if (one[k] == two[k]) continue;
    if (axis || two[k] != 2 * one[k]) return std::nullopt;
    axis = k;
  }
  if (!axis) return Strides{};  // does not depend on the batch
  Strides strides{1, 1};
  for (int k = *axis + 1; k < one.rank(); ++k) strides.least *= one[k];
  strides.most = strides.least * one[*axis];
  return strides;
}

bool keeps_images(const ReshapeShapes& one, const ReshapeShapes& two) {
  const auto in = image_strides(one.in, two.in);
  const auto out = image_strides(one.out, two.out);
  return in && out && in->least <= out->most && out->least <= in->most;
}

/// The first Reshape at which images lose their place, by name.
std::optional<std::string> first_mixing(const Trace& one, const Trace& two) {
  for (const auto& [index, shapes] : one) {
    const auto other = two.find(index);
    if (other == two.end() || !keeps_images(shapes, other->second)) return shapes.name;
  }
  return std::nullopt;
}

/// A made-up image stack; image `which[k]` in slot k.
Tensor image_stack(const ImageInput& input, const std::vector<int>& which) {
  const auto batch = static_cast<std::int64_t>(which.size());
  const Shape shape = input.shape(batch);
  std::vector<float> values;
  for (const int image : which) {
    RandomStream random(static_cast<std::uint64_t>(image), input.name);
    for (std::int64_t k = 0; k < shape.elements() / batch; ++k) values.push_back(static_cast<float>(random.normal()));
  }
  return input_tensor(input, Tensor::of(shape, values));
}

class Probe {
 public:
  Probe(const Graph& graph, const ImageInput& input) : graph_(graph), input_(input) {}

  /// Output 0 of every slot.
  std::vector<std::vector<double>> run(const std::vector<int>& which) {
    const auto batch = static_cast<std::int64_t>(which.size());
    Executor executor(make_plan(specialize(graph_, at_batch(input_, batch))));
    const Tensor images = image_stack(input_, which);
    const std::vector<double> all = to_vector<double>(executor.run({&images, 1}).front().view());
    std::vector<std::vector<double>> slots;
    const std::size_t width = all.size() / which.size();
    for (std::size_t k = 0; k < which.size(); ++k) slots.emplace_back(all.begin() + k * width, all.begin() + (k + 1) * width);
    return slots;
  }

 private:
  const Graph& graph_;
  const ImageInput& input_;
};

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  double difference = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    largest = std::max(largest, std::fabs(a[k]));
    difference = std::max(difference, std::fabs(a[k] - b[k]));
  }
  return difference <= kSameImage * largest;
}

/// Whether an image gives the same output alone and in either place of a pair.
bool any_batch_works(Probe& probe) {
  const auto alone = probe.run({1});
  const auto pair = probe.run({1, 2});
  return same(alone[0], pair[0]) && same(probe.run({2})[0], pair[1]);
}

/// Whether an image of a full batch gives the same output in every place, whatever stands beside it.
bool keeps_apart(Probe& probe, std::int64_t batch) {
  std::vector<int> first(static_cast<std::size_t>(batch), 2);
  first.front() = 1;
  std::vector<int> last(static_cast<std::size_t>(batch), 3);
  last.back() = 1;
  return same(probe.run(first).front(), probe.run(last).back());
}

}  // namespace

std::int64_t baked_batch(const Graph& graph, const ImageInput& input) {
  const auto one = trace_shapes(graph, input, 1);
  const auto two = trace_shapes(graph, input, 2);
  std::string node = "its outputs";
  Probe probe(graph, input);
  if (one && two) {
    const auto mixing = first_mixing(*one, *two);
    if (!mixing || any_batch_works(probe)) return 0;
    node = fmt::format("node '{}'", *mixing);
  }
  for (std::int64_t batch = one && !two ? 1 : 2; batch <= kLargestTracedBatch; ++batch) {
    if (!trace_shapes(graph, input, batch)) continue;
    if (batch > 1 && !keeps_apart(probe, batch)) continue;
    log_info("{} holds the batch of {} that the model was exported with: images run in batches of {}", node, batch, batch);
    return batch;
  }
  if (!one && !two) return 0;  // the model does not run at all: planning it says why
  fail(ErrorKind::unsupported, "{} mixes the images of a batch: the model was exported for another batch size", node);
}

}  // namespace nq
