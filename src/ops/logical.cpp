#include "ops/elementwise.hpp"

// And, Or, Xor, Not on bool tensors; any byte other than 0 counts as true.

namespace nq {
namespace {

struct AndFn {
  std::uint8_t operator()(std::uint8_t a, std::uint8_t b) const { return (a != 0) & (b != 0); }
};
struct OrFn {
  std::uint8_t operator()(std::uint8_t a, std::uint8_t b) const { return (a != 0) | (b != 0); }
};
struct XorFn {
  std::uint8_t operator()(std::uint8_t a, std::uint8_t b) const { return (a != 0) != (b != 0); }
};
struct NotFn {
  std::uint8_t operator()(std::uint8_t a) const { return a == 0; }
};

void infer_logical(OpContext& context) {
  check_arity(context, {2, 2});
  check_dtype(context, 0, {DType::boolean});
  check_dtype(context, 1, {DType::boolean});
  context.set_output(0, {DType::boolean, binary_shapes(context).out});
}

template <typename Fn>
OpDef logical_op(std::string_view type) {
  return {type, 1, INT_MAX, infer_logical, make_binary<std::uint8_t, std::uint8_t, Fn>};
}

void infer_not(OpContext& context) {
  check_arity(context, {1, 1});
  check_dtype(context, 0, {DType::boolean});
  context.set_output(0, context.input_type(0));
}

KernelPtr bind_not(const OpContext&) {
  return std::make_unique<UnaryKernel<std::uint8_t, std::uint8_t, NotFn>>(NotFn{});
}

}  // namespace

void register_logical(OpRegistry& registry) {
  registry.add(logical_op<AndFn>("And"));
  registry.add(logical_op<OrFn>("Or"));
  registry.add(logical_op<XorFn>("Xor"));
  registry.add({"Not", 1, INT_MAX, infer_not, bind_not});
}

}  // namespace nq
