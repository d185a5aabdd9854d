#include "nq/image_input.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "pipeline/batch_check.hpp"

namespace nq {
namespace {

constexpr std::int64_t kChannels = 3;

bool looks_like_image(const Value& value) {
  if (!value.declared || !value.declared->has_shape || !is_float(value.declared->dtype)) return false;
  const auto& dims = value.declared->dims;
  if (dims.size() != 4) return false;
  const bool open = std::none_of(dims.begin() + 1, dims.end(), [](const Dim& dim) { return dim.is_static(); });
  return open || dims[1].value == kChannels || dims[3].value == kChannels;
}

std::int64_t dimension(const Dim& dim, const std::optional<Shape>& given, int axis, const std::string& name) {
  if (!given) return std::max<std::int64_t>(dim.value, 0);
  NQ_CHECK(!dim.is_static() || dim.value == (*given)[axis], usage,
           "--input-shape {} contradicts dimension {} of model input '{}', which is {}", to_string(*given), axis, name,
           dim.value);
  return (*given)[axis];
}

void check_single_input(const Graph& graph) {
  if (graph.inputs.size() == 1) return;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  for (const ValueId id : graph.inputs) inputs.push_back(graph.value(id).name);
  for (const ValueId id : graph.outputs) outputs.push_back(graph.value(id).name);
  throw Error(ErrorKind::unsupported,
              fmt::format("the model has {} inputs ({}); images can be fed to models with one", inputs.size(),
                          fmt::join(inputs, ", ")),
              fmt::format("name the image input with --input-name, and with --output-name an output that needs no other "
                          "input: {}", fmt::join(outputs, ", ")));
}

}  // namespace

Shape ImageInput::shape(std::int64_t batch) const {
  return channels_last ? Shape{batch, height, width, kChannels} : Shape{batch, kChannels, height, width};
}

ImageInput find_image_input(const Graph& graph, const std::optional<Shape>& input_shape) {
  NQ_CHECK(!input_shape || input_shape->rank() == 4, usage, "--input-shape needs four dimensions");
  check_single_input(graph);
  const Value& value = graph.value(graph.inputs.front());
  NQ_CHECK(looks_like_image(value), unsupported,
           "model input '{}' does not take images: it needs a float type and the shape [N, 3, H, W] or [N, H, W, 3]",
           value.name);
  const auto& dims = value.declared->dims;
  ImageInput input;
  input.name = value.name;
  input.dtype = value.declared->dtype;
  input.channels_last = dims[1].value != kChannels && dims[3].value == kChannels;
  const int row_axis = input.channels_last ? 1 : 2;
  input.height = dimension(dims[static_cast<std::size_t>(row_axis)], input_shape, row_axis, value.name);
  input.width = dimension(dims[static_cast<std::size_t>(row_axis + 1)], input_shape, row_axis + 1, value.name);
  input.static_batch = std::max<std::int64_t>(dims[0].value, 0);
  if (input.static_batch == 0 && input.height > 0 && input.width > 0) input.static_batch = baked_batch(graph, input);
  return input;
}

}  // namespace nq
