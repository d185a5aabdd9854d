#include "ops/arguments.hpp"
#include "ops/broadcast.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// out = condition ? x : y, all three broadcast together.
void infer_where(OpContext& context) {
  check_arity(context, {3, 3});
  check_dtype(context, 0, {DType::boolean});
  check_movable(context, 1);
  check_same_dtype(context, 1, 2);
  const Shape values = broadcast_shape(context.input_shape(1), context.input_shape(2));
  context.set_output(0, {context.input_type(1).dtype, broadcast_shape(context.input_shape(0), values)});
}

class WhereKernel final : public Kernel {
 public:
  explicit WhereKernel(Broadcast<3> walk) : walk_(std::move(walk)) {}

  void run(const KernelArgs& args) const override {
    visit_word(element_bytes(args.outputs[0].dtype()), [&](auto tag) {
      using Word = typename decltype(tag)::type;
      const bool* condition = args.inputs[0].as<bool>();
      const Word* x = args.inputs[1].as<Word>();
      const Word* y = args.inputs[2].as<Word>();
      Word* out = args.outputs[0].as<Word>();
      const auto [step_c, step_x, step_y] = walk_.axes.back().stride;
      parallel_runs(walk_, [&](std::int64_t to, const auto& from, std::int64_t length) {
        const bool* c = condition + from[0];
        const Word* a = x + from[1];
        const Word* b = y + from[2];
        for (std::int64_t k = 0; k < length; ++k) {
          out[to + k] = c[k * step_c] ? a[k * step_x] : b[k * step_y];
        }
      });
    });
  }

 private:
  Broadcast<3> walk_;
};

KernelPtr bind_where(const OpContext& context) {
  return std::make_unique<WhereKernel>(
      make_broadcast<3>(context.output_type(0).shape,
                        {&context.input_shape(0), &context.input_shape(1), &context.input_shape(2)}));
}

}  // namespace

void register_where(OpRegistry& registry) {
  registry.add(
      {.type = "Where", .since = 9, .infer = infer_where, .bind = bind_where, .promotion = Promotion::none});
}

}  // namespace nq
