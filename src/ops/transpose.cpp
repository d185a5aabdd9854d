#include <numeric>

#include "ops/arguments.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// Attribute perm: output axis k is input axis perm[k]; reversed axes when omitted.
std::vector<int> permutation(const OpContext& context) {
  const int rank = context.input_shape(0).rank();
  std::vector<int> perm(static_cast<std::size_t>(rank));
  std::iota(perm.rbegin(), perm.rend(), 0);
  if (!has_attr(context.node(), "perm")) return perm;
  const std::vector<std::int64_t> given = attr_ints(context.node(), "perm");
  NQ_CHECK(static_cast<int>(given.size()) == rank, input, "perm has {} entries for rank {}", given.size(),
           rank);
  return normalize_axes(given, rank);
}

void infer_transpose(OpContext& context) {
  check_arity(context, {1, 1});
  check_movable(context, 0);
  const Shape& shape = context.input_shape(0);
  Shape out;
  for (const int axis : permutation(context)) out.push_back(shape[axis]);
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

KernelPtr bind_transpose(const OpContext& context) {
  const std::vector<std::int64_t> src = dense_strides(context.input_shape(0));
  const std::vector<std::int64_t> dst = dense_strides(context.output_type(0).shape);
  const std::vector<int> perm = permutation(context);
  std::vector<CopyAxis> axes;
  for (std::size_t k = 0; k < perm.size(); ++k) {
    axes.push_back({context.input_shape(0)[perm[k]], src[perm[k]], dst[k]});
  }
  return make_copy_kernel(StridedCopy(axes, element_bytes(context.input_type(0).dtype)));
}

}  // namespace

void register_transpose(OpRegistry& registry) {
  registry.add(
      {.type = "Transpose", .infer = infer_transpose, .bind = bind_transpose, .promotion = Promotion::none});
}

}  // namespace nq
