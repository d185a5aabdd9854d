#include <cstring>

#include "ops/arguments.hpp"
#include "ops/index.hpp"
#include "ops/scatter_reduction.hpp"

// Updates are applied one after the other: with repeated indices the last one wins, or a reduction
// runs in the order of the updates.

namespace nq {
namespace {

int scatter_axis(const OpContext& context) {
  return normalize_axis(attr_int(context.node(), "axis", 0), context.input_shape(0).rank());
}

void check_scatter_inputs(const OpContext& context) {
  check_arity(context, {3, 3});
  check_movable(context, 0);
  check_index_dtype(context, 1);
  check_same_dtype(context, 0, 2);
}

Combine combine_of(const OpContext& context) {
  return find_combine(attr_string(context.node(), "reduction", "none"), context.input_type(0).dtype);
}

void copy_data(const KernelArgs& args) {
  const std::size_t bytes = args.outputs[0].type->bytes();
  if (bytes != 0) std::memcpy(args.outputs[0].data, args.inputs[0].data, bytes);
}

/// out = data, then out[i, indices[i, j, k], k] = updates[i, j, k] for axis 1 of three.
void infer_scatter_elements(OpContext& context) {
  check_scatter_inputs(context);
  const Shape& data = context.input_shape(0);
  const Shape& indices = context.input_shape(1);
  check_index_shape(data, indices, scatter_axis(context));
  NQ_CHECK(indices == context.input_shape(2), input, "{} indices {} and updates {} differ in shape",
           context.node().op_type, to_string(indices), to_string(context.input_shape(2)));
  (void)combine_of(context);
  context.set_output(0, context.input_type(0));
}

class ScatterElementsKernel final : public Kernel {
 public:
  explicit ScatterElementsKernel(const OpContext& context)
      : walk_(context.input_shape(0), context.input_shape(1), scatter_axis(context)),
        combine_(combine_of(context)),
        bytes_(element_bytes(context.input_type(0).dtype)),
        index_dtype_(context.input_type(1).dtype) {}

  void run(const KernelArgs& args) const override {
    copy_data(args);
    visit_index(index_dtype_, [&](auto tag) {
      const auto* indices = args.inputs[1].as<typename decltype(tag)::type>();
      walk_.for_each(0, walk_.elements(), indices, [&](std::int64_t at, std::int64_t update) {
        combine_(args.outputs[0].data + at * bytes_, args.inputs[2].data + update * bytes_, 1);
      });
    });
  }

 private:
  ElementIndexWalk walk_;
  Combine combine_;
  std::size_t bytes_;
  DType index_dtype_;
};

/// out = data, then out[indices[tuples..., :], rest...] = updates[tuples..., rest...].
void infer_scatter_nd(OpContext& context) {
  check_scatter_inputs(context);
  const Shape& data = context.input_shape(0);
  const Shape& indices = context.input_shape(1);
  NQ_CHECK(data.rank() >= 1 && indices.rank() >= 1, input, "ScatterND of a scalar");
  NQ_CHECK(indices.back() <= data.rank(), input, "ScatterND indices {} for data {}", to_string(indices),
           to_string(data));
  Shape updates(std::vector(indices.begin(), indices.end() - 1));
  for (int k = static_cast<int>(indices.back()); k < data.rank(); ++k) updates.push_back(data[k]);
  NQ_CHECK(updates == context.input_shape(2), input, "ScatterND updates are {}, expected {}",
           to_string(context.input_shape(2)), to_string(updates));
  (void)combine_of(context);
  context.set_output(0, context.input_type(0));
}

class ScatterNdKernel final : public Kernel {
 public:
  explicit ScatterNdKernel(const OpContext& context)
      : tuples_(context.input_shape(0), context.input_shape(1), 0),
        combine_(combine_of(context)),
        bytes_(element_bytes(context.input_type(0).dtype)),
        index_dtype_(context.input_type(1).dtype) {}

  void run(const KernelArgs& args) const override {
    copy_data(args);
    const std::int64_t block = tuples_.block_elements();
    visit_index(index_dtype_, [&](auto tag) {
      const auto* indices = args.inputs[1].as<typename decltype(tag)::type>();
      for (std::int64_t tuple = 0; tuple < tuples_.count(); ++tuple) {
        const std::int64_t at = tuples_.offset(indices, tuple);
        combine_(args.outputs[0].data + at * bytes_, args.inputs[2].data + tuple * block * bytes_, block);
      }
    });
  }

 private:
  TupleIndex tuples_;
  Combine combine_;
  std::size_t bytes_;
  DType index_dtype_;
};

template <typename KernelType>
KernelPtr bind_as(const OpContext& context) {
  return std::make_unique<KernelType>(context);
}

}  // namespace

void register_scatter(OpRegistry& registry) {
  registry.add({.type = "Scatter",
                .since = 9,
                .until = 10,
                .infer = infer_scatter_elements,
                .bind = bind_as<ScatterElementsKernel>,
                .promotion = Promotion::none});
  registry.add({.type = "ScatterElements",
                .since = 11,
                .infer = infer_scatter_elements,
                .bind = bind_as<ScatterElementsKernel>,
                .promotion = Promotion::none});
  registry.add({.type = "ScatterND",
                .since = 11,
                .infer = infer_scatter_nd,
                .bind = bind_as<ScatterNdKernel>,
                .promotion = Promotion::none});
}

}  // namespace nq
