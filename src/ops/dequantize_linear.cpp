#include <algorithm>
#include <array>

#include "ops/broadcast.hpp"
#include "ops/check.hpp"
#include "ops/convert.hpp"
#include "ops/onnx_dtype.hpp"
#include "ops/quant_layout.hpp"

// DequantizeLinear, opsets 10 to 25: y = (x - zero_point) * scale, computed in float32.

namespace nq {
namespace {

constexpr std::int64_t kBlock = 512;

/// Codes of type X; float8 codes come decoded as float.
template <typename X>
void dequantize_span(const X* x, const float* scale, const float* zero_point, std::int64_t step, float* out,
                     std::int64_t length) {
  if (step == 0) {
    const float s = *scale;
    const float z = *zero_point;
    for (std::int64_t i = 0; i < length; ++i) out[i] = (static_cast<float>(x[i]) - z) * s;
  } else {
    for (std::int64_t i = 0; i < length; ++i) out[i] = (static_cast<float>(x[i]) - zero_point[i]) * scale[i];
  }
}

/// `decode` is null when the codes are of type X in memory, else it makes float (X) out of them.
template <typename X>
class DequantizeKernel final : public Kernel {
 public:
  DequantizeKernel(const OpContext& context, Converter decode)
      : layout_(context), decode_(decode), from_(context.input_type(0).dtype) {
    const DType to = context.output_type(0).dtype;
    if (to != DType::f32) encode_ = find_converter(DType::f32, to);
  }

  std::size_t scratch_bytes() const override { return QuantParameters::scratch_bytes(layout_); }

  void run(const KernelArgs& args) const override {
    const QuantParameters parameters(layout_, args);
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t position = begin; position < end;) {
        QuantRun run = layout_.run_at(position);
        run.length = std::min(run.length, end - position);
        dequantize_run(args, parameters, run, position);
        position += run.length;
      }
    });
  }

 private:
  void dequantize_run(const KernelArgs& args, const QuantParameters& parameters, const QuantRun& run,
                      std::int64_t position) const {
    const float* scale = parameters.scales() + run.scale_index;
    const float* zero_point = parameters.zero_points() + run.scale_index;
    if (decode_ == nullptr && encode_ == nullptr) {
      dequantize_span(args.inputs[0].as<X>() + position, scale, zero_point, run.scale_step,
                      args.outputs[0].as<float>() + position, run.length);
      return;
    }
    for (std::int64_t done = 0; done < run.length; done += kBlock) {
      const std::int64_t size = std::min(kBlock, run.length - done);
      dequantize_block(args, scale + done * run.scale_step, zero_point + done * run.scale_step,
                       run.scale_step, position + done, size);
    }
  }

  void dequantize_block(const KernelArgs& args, const float* scale, const float* zero_point,
                        std::int64_t step, std::int64_t position, std::int64_t size) const {
    std::array<X, kBlock> decoded;
    std::array<float, kBlock> values;
    const std::byte* source =
        args.inputs[0].data + position * static_cast<std::int64_t>(element_bytes(from_));
    const X* codes = reinterpret_cast<const X*>(source);
    if (decode_ != nullptr) {
      decode_(source, reinterpret_cast<std::byte*>(decoded.data()), size);
      codes = decoded.data();
    }
    const std::int64_t target_bytes = static_cast<std::int64_t>(element_bytes(args.outputs[0].dtype()));
    std::byte* target = args.outputs[0].data + position * target_bytes;
    if (encode_ == nullptr) {
      dequantize_span(codes, scale, zero_point, step, reinterpret_cast<float*>(target), size);
      return;
    }
    dequantize_span(codes, scale, zero_point, step, values.data(), size);
    encode_(reinterpret_cast<const std::byte*>(values.data()), target, size);
  }

  QuantLayout layout_;
  Converter decode_;
  DType from_;
  Converter encode_ = nullptr;
};

void infer_dequantize(OpContext& context) {
  check_arity(context, {2, 3});
  check_dtype(context, 0,
              {DType::i8, DType::u8, DType::i16, DType::u16, DType::i32, DType::i4, DType::u4,
               DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz});
  check_dtype(context, 1, {DType::f32, DType::f16, DType::bf16});
  if (context.has_input(2)) check_same_dtype(context, 0, 2);
  DType dtype = context.input_type(1).dtype;
  if (context.opset() >= 23 && attr_int(context.node(), "output_dtype", 0) != 0) {
    dtype = attr_dtype(context.node(), "output_dtype");
    NQ_CHECK(dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16, input,
             "DequantizeLinear does not dequantize to {}", to_string(dtype));
  }
  (void)QuantLayout(context);
  context.set_output(0, {dtype, context.input_shape(0)});
}

KernelPtr bind_dequantize(const OpContext& context) {
  const DType dtype = context.input_type(0).dtype;
  switch (dtype) {
    case DType::i4:
    case DType::i8: return std::make_unique<DequantizeKernel<std::int8_t>>(context, nullptr);
    case DType::u4:
    case DType::u8: return std::make_unique<DequantizeKernel<std::uint8_t>>(context, nullptr);
    case DType::i16: return std::make_unique<DequantizeKernel<std::int16_t>>(context, nullptr);
    case DType::u16: return std::make_unique<DequantizeKernel<std::uint16_t>>(context, nullptr);
    case DType::i32: return std::make_unique<DequantizeKernel<std::int32_t>>(context, nullptr);
    default: return std::make_unique<DequantizeKernel<float>>(context, find_converter(dtype, DType::f32));
  }
}

}  // namespace

void register_dequantize_linear(OpRegistry& registry) {
  registry.add({"DequantizeLinear", 10, INT_MAX, infer_dequantize, bind_dequantize, Promotion::none});
}

}  // namespace nq
