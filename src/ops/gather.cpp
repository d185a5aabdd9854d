#include <functional>

#include "core/parallel.hpp"
#include "ops/arguments.hpp"
#include "ops/index.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// Chunk length so that a chunk moves about kCopyGrainBytes in blocks of `block_bytes`.
std::int64_t block_grain(std::size_t block_bytes) {
  return std::max<std::int64_t>(1, kCopyGrainBytes / static_cast<std::int64_t>(block_bytes + 1));
}

int gather_axis(const OpContext& context) {
  return normalize_axis(attr_int(context.node(), "axis", 0), context.input_shape(0).rank());
}

/// out[outer, index..., inner] = data[outer, indices[index...], inner].
void infer_gather(OpContext& context) {
  check_arity(context, {2, 2});
  check_movable(context, 0);
  check_index_dtype(context, 1);
  const Shape& data = context.input_shape(0);
  const int axis = gather_axis(context);
  Shape out(std::vector(data.begin(), data.begin() + axis));
  for (const std::int64_t dim : context.input_shape(1)) out.push_back(dim);
  for (int k = axis + 1; k < data.rank(); ++k) out.push_back(data[k]);
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

class GatherKernel final : public Kernel {
 public:
  explicit GatherKernel(const OpContext& context)
      : length_(context.input_shape(0)[gather_axis(context)]),
        count_(context.input_shape(1).elements()),
        index_dtype_(context.input_type(1).dtype) {
    const Shape& data = context.input_shape(0);
    const int axis = gather_axis(context);
    const std::int64_t blocks = context.output_type(0).shape.elements();
    if (blocks == 0) return;
    outer_ = Shape(std::vector(data.begin(), data.begin() + axis)).elements();
    const std::int64_t inner = Shape(std::vector(data.begin() + axis + 1, data.end())).elements();
    block_bytes_ = static_cast<std::size_t>(inner) * element_bytes(context.input_type(0).dtype);
  }

  void run(const KernelArgs& args) const override {
    visit_index(index_dtype_, [&](auto tag) {
      const auto* indices = args.inputs[1].as<typename decltype(tag)::type>();
      const std::byte* data = args.inputs[0].data;
      std::byte* out = args.outputs[0].data;
      const auto chunk = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t block = begin; block < end; ++block) {
          const std::int64_t index = checked_index(indices[block % count_], length_);
          const std::byte* from = data + (block / count_ * length_ + index) * block_bytes_;
          copy_block(out + block * block_bytes_, from, block_bytes_);
        }
      };
      parallel_for(0, outer_ * count_, block_grain(block_bytes_), std::ref(chunk));
    });
  }

 private:
  std::int64_t outer_ = 0;
  std::int64_t length_;
  std::int64_t count_;
  std::size_t block_bytes_ = 0;
  DType index_dtype_;
};

/// out[i, j, k] = data[i, indices[i, j, k], k] for axis 1 of three.
void infer_gather_elements(OpContext& context) {
  check_arity(context, {2, 2});
  check_movable(context, 0);
  check_index_dtype(context, 1);
  check_index_shape(context.input_shape(0), context.input_shape(1), gather_axis(context));
  context.set_output(0, {context.input_type(0).dtype, context.input_shape(1)});
}

class GatherElementsKernel final : public Kernel {
 public:
  explicit GatherElementsKernel(const OpContext& context)
      : walk_(context.input_shape(0), context.input_shape(1), gather_axis(context)),
        index_dtype_(context.input_type(1).dtype) {}

  void run(const KernelArgs& args) const override {
    visit_index(index_dtype_, [&](auto index_tag) {
      visit_word(element_bytes(args.inputs[0].dtype()), [&](auto word_tag) {
        using Word = typename decltype(word_tag)::type;
        const auto* indices = args.inputs[1].as<typename decltype(index_tag)::type>();
        const Word* data = args.inputs[0].as<Word>();
        Word* out = args.outputs[0].as<Word>();
        const auto chunk = [&](std::int64_t begin, std::int64_t end) {
          walk_.for_each(begin, end, indices, [&](std::int64_t in_data, std::int64_t in_indices) {
            out[in_indices] = data[in_data];
          });
        };
        parallel_for(0, walk_.elements(), kCopyGrainBytes / 8, std::ref(chunk));
      });
    });
  }

 private:
  ElementIndexWalk walk_;
  DType index_dtype_;
};

int batch_dims(const OpContext& context) {
  const std::int64_t batch = attr_int(context.node(), "batch_dims", 0);
  const Shape& data = context.input_shape(0);
  const Shape& indices = context.input_shape(1);
  NQ_CHECK(batch >= 0 && batch < data.rank() && batch < indices.rank(), input,
           "GatherND batch_dims {} with data {} and indices {}", batch, to_string(data), to_string(indices));
  for (int k = 0; k < batch; ++k) {
    NQ_CHECK(data[k] == indices[k], input, "GatherND batch axis {} is {} in data and {} in indices", k,
             data[k], indices[k]);
  }
  return static_cast<int>(batch);
}

/// out[batch, tuples..., rest...] = data[batch, indices[batch, tuples..., :], rest...].
void infer_gather_nd(OpContext& context) {
  check_arity(context, {2, 2});
  check_movable(context, 0);
  check_index_dtype(context, 1);
  const Shape& data = context.input_shape(0);
  const Shape& indices = context.input_shape(1);
  NQ_CHECK(data.rank() >= 1 && indices.rank() >= 1, input, "GatherND of a scalar");
  const std::int64_t first_rest = batch_dims(context) + indices.back();
  NQ_CHECK(indices.back() >= 1 && first_rest <= data.rank(), input, "GatherND indices {} for data {}",
           to_string(indices), to_string(data));
  Shape out(std::vector(indices.begin(), indices.end() - 1));
  for (int k = static_cast<int>(first_rest); k < data.rank(); ++k) out.push_back(data[k]);
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

class GatherNdKernel final : public Kernel {
 public:
  explicit GatherNdKernel(const OpContext& context)
      : tuples_(context.input_shape(0), context.input_shape(1), batch_dims(context)),
        block_bytes_(static_cast<std::size_t>(tuples_.block_elements()) *
                     element_bytes(context.input_type(0).dtype)),
        index_dtype_(context.input_type(1).dtype) {}

  void run(const KernelArgs& args) const override {
    if (block_bytes_ == 0) return;
    const std::size_t bytes = element_bytes(args.inputs[0].dtype());
    visit_index(index_dtype_, [&](auto tag) {
      const auto* indices = args.inputs[1].as<typename decltype(tag)::type>();
      const auto chunk = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t tuple = begin; tuple < end; ++tuple) {
          const std::int64_t offset = tuples_.offset(indices, tuple);
          copy_block(args.outputs[0].data + tuple * block_bytes_, args.inputs[0].data + offset * bytes,
                     block_bytes_);
        }
      };
      parallel_for(0, tuples_.count(), block_grain(block_bytes_), std::ref(chunk));
    });
  }

 private:
  TupleIndex tuples_;
  std::size_t block_bytes_;
  DType index_dtype_;
};

template <typename KernelType>
KernelPtr bind_as(const OpContext& context) {
  return std::make_unique<KernelType>(context);
}

}  // namespace

void register_gather(OpRegistry& registry) {
  registry.add(
      {.type = "Gather", .infer = infer_gather, .bind = bind_as<GatherKernel>, .promotion = Promotion::none});
  registry.add({.type = "GatherElements",
                .since = 11,
                .infer = infer_gather_elements,
                .bind = bind_as<GatherElementsKernel>,
                .promotion = Promotion::none});
  registry.add({.type = "GatherND",
                .since = 11,
                .infer = infer_gather_nd,
                .bind = bind_as<GatherNdKernel>,
                .promotion = Promotion::none});
}

}  // namespace nq
