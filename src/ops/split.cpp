#include <limits>

#include "core/divide_up.hpp"
#include "ops/arguments.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

int split_axis(const OpContext& context) {
  return normalize_axis(attr_int(context.node(), "axis", 0), context.input_shape(0).rank());
}

/// Lengths without a split argument: equal parts, of which the last may be shorter since opset 18.
std::vector<std::int64_t> equal_lengths(const OpContext& context, std::int64_t length) {
  const std::int64_t parts = context.num_outputs();
  const bool uneven = context.opset() >= 18;
  if (has_attr(context.node(), "num_outputs")) {
    const std::int64_t declared = attr_int(context.node(), "num_outputs", parts);
    NQ_CHECK(declared == parts, input, "Split has num_outputs {} but {} outputs", declared, parts);
  }
  NQ_CHECK(uneven || length % parts == 0, input, "Split of {} elements into {} equal parts", length, parts);
  const std::int64_t part = divide_up(length, parts);
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(parts), part);
  NQ_CHECK(part * (parts - 1) <= length, input, "Split of {} elements into {} parts leaves some empty",
           length, parts);
  lengths.back() = length - part * (parts - 1);
  return lengths;
}

/// The split argument is an attribute before opset 13 (in opset 1 also an input), then an input.
std::vector<std::int64_t> part_lengths(const OpContext& context) {
  const std::int64_t length = context.input_shape(0)[split_axis(context)];
  const bool as_input = context.opset() >= 13 || (context.opset() == 1 && context.has_input(1));
  const auto given = ints_argument(context, {.attribute = "split", .input_since = as_input ? 1 : 13});
  if (!given.has_value()) return equal_lengths(context, length);
  NQ_CHECK(static_cast<int>(given->size()) == context.num_outputs(), input,
           "Split has {} lengths for {} outputs", given->size(), context.num_outputs());
  std::int64_t rest = length;
  for (const std::int64_t part : *given) {
    NQ_CHECK(part >= 0 && part <= rest, input, "Split length {} does not fit an axis of {}", part, length);
    rest -= part;
  }
  NQ_CHECK(rest == 0, input, "Split lengths cover {} of {} elements", length - rest, length);
  return *given;
}

void infer_split(OpContext& context) {
  check_arity(context, {1, 2}, {0, std::numeric_limits<int>::max()});
  NQ_CHECK(context.num_outputs() >= 1, input, "Split has no outputs");
  check_movable(context, 0);
  const int axis = split_axis(context);
  const std::vector<std::int64_t> lengths = part_lengths(context);
  Shape out = context.input_shape(0);
  for (int i = 0; i < context.num_outputs(); ++i) {
    out[axis] = lengths[i];
    if (context.has_output(i)) context.set_output(i, {context.input_type(0).dtype, out});
  }
}

class SplitKernel final : public Kernel {
 public:
  explicit SplitKernel(std::vector<StridedCopy> parts) : parts_(std::move(parts)) {}
  void run(const KernelArgs& args) const override {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (args.outputs[i].present()) parts_[i].run(args.inputs[0].data, args.outputs[i].data);
    }
  }

 private:
  std::vector<StridedCopy> parts_;
};

KernelPtr bind_split(const OpContext& context) {
  const int axis = split_axis(context);
  const std::vector<std::int64_t> lengths = part_lengths(context);
  const std::vector<std::int64_t> src = dense_strides(context.input_shape(0));
  std::vector<StridedCopy> parts;
  std::int64_t position = 0;
  for (const std::int64_t length : lengths) {
    Shape out = context.input_shape(0);
    out[axis] = length;
    const std::vector<std::int64_t> dst = dense_strides(out);
    std::vector<CopyAxis> axes;
    for (int k = 0; k < out.rank(); ++k) axes.push_back({out[k], src[k], dst[k]});
    parts.emplace_back(axes, element_bytes(context.input_type(0).dtype), position * src[axis], 0);
    position += length;
  }
  return std::make_unique<SplitKernel>(std::move(parts));
}

}  // namespace

void register_split(OpRegistry& registry) {
  registry.add({.type = "Split", .infer = infer_split, .bind = bind_split, .promotion = Promotion::none});
}

}  // namespace nq
