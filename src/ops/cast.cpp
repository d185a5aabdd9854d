#include "ops/broadcast.hpp"
#include "ops/check.hpp"
#include "ops/convert.hpp"
#include "ops/onnx_dtype.hpp"

// Cast and CastLike between all numeric types. Strings are not supported.

namespace nq {
namespace {

class CastKernel final : public Kernel {
 public:
  CastKernel(DType from, DType to, bool saturate)
      : convert_(find_converter(from, to, saturate)),
        source_bytes_(static_cast<std::int64_t>(element_bytes(from))),
        target_bytes_(static_cast<std::int64_t>(element_bytes(to))) {}

  void run(const KernelArgs& args) const override {
    const std::byte* source = args.inputs[0].data;
    std::byte* target = args.outputs[0].data;
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      convert_(source + begin * source_bytes_, target + begin * target_bytes_, end - begin);
    });
  }

 private:
  Converter convert_;
  std::int64_t source_bytes_;
  std::int64_t target_bytes_;
};

void check_castable(const OpContext& context, DType to) {
  const DType from = context.input_type(0).dtype;
  NQ_CHECK(from != DType::string && to != DType::string, unsupported, "{} from {} to {} is not implemented",
           context.node().op_type, to_string(from), to_string(to));
}

void infer_cast(OpContext& context) {
  check_arity(context, {1, 1});
  NQ_CHECK(has_attr(context.node(), "to"), input, "Cast needs attribute 'to'");
  const DType to = attr_dtype(context.node(), "to");
  check_castable(context, to);
  context.set_output(0, {to, context.input_shape(0)});
}

void infer_cast_like(OpContext& context) {
  check_arity(context, {2, 2});
  const DType to = context.input_type(1).dtype;
  check_castable(context, to);
  context.set_output(0, {to, context.input_shape(0)});
}

KernelPtr bind_cast(const OpContext& context) {
  const bool saturate = attr_int(context.node(), "saturate", 1) != 0;
  return std::make_unique<CastKernel>(context.input_type(0).dtype, context.output_type(0).dtype, saturate);
}

}  // namespace

void register_cast(OpRegistry& registry) {
  registry.add({"Cast", 1, INT_MAX, infer_cast, bind_cast, Promotion::none});
  registry.add({"CastLike", 15, INT_MAX, infer_cast_like, bind_cast, Promotion::none});
}

}  // namespace nq
