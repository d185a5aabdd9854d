#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "ops/broadcast.hpp"
#include "ops/check.hpp"
#include "ops/convert.hpp"
#include "ops/onnx_dtype.hpp"
#include "ops/quant_layout.hpp"

// QuantizeLinear, opsets 10 to 25: y = saturate(round_half_even(x / scale) + zero_point).
//
// The division is a true division in the precision of the scale (or of attribute `precision`).
// NaN, whose result ONNX leaves open, becomes the lowest code.

namespace nq {
namespace {

constexpr std::int64_t kBlock = 512;

/// Codes of an integer type.
struct CodeRange {
  float min = 0;
  float max = 255;
};

std::optional<CodeRange> code_range(DType dtype) {
  switch (dtype) {
    case DType::i4: return CodeRange{-8, 7};
    case DType::u4: return CodeRange{0, 15};
    case DType::i8: return CodeRange{-128, 127};
    case DType::u8: return CodeRange{0, 255};
    case DType::i16: return CodeRange{-32768, 32767};
    case DType::u16: return CodeRange{0, 65535};
    default: return std::nullopt;
  }
}

bool is_float8(DType dtype) { return is_float(dtype) && element_bytes(dtype) == 1; }

/// Parameters of consecutive elements: element i uses scale[i * step] and zero_point[i * step].
struct SpanParameters {
  const float* scale;
  const float* zero_point;
  std::int64_t step;
};

/// Integer target with storage type Q. Sums of a rounded quotient and a zero point are exact in
/// float32 wherever the result does not saturate.
template <typename Q>
struct IntegerTarget {
  using Storage = Q;
  CodeRange range;

  Q code(float x, float scale, float zero_point) const {
    const float shifted = std::nearbyint(x / scale) + zero_point;
    const float raised = shifted > range.min ? shifted : range.min;
    return static_cast<Q>(static_cast<std::int32_t>(raised < range.max ? raised : range.max));
  }
};

/// float8 target; its zero point only names the type and is zero.
template <typename F8>
struct Float8Target {
  using Storage = F8;
  bool saturate;

  F8 code(float x, float scale, float) const { return to_float8<F8>(x / scale, saturate); }
};

template <typename Target>
void quantize_span(const Target& target, const float* x, const SpanParameters& parameters,
                   typename Target::Storage* out, std::int64_t length) {
  // Copies in locals: `out` may have a character type, whose stores alias everything else.
  const Target local = target;
  const float* scales = parameters.scale;
  const float* zero_points = parameters.zero_point;
  if (parameters.step == 0) {
    const float scale = *scales;
    const float zero_point = *zero_points;
    for (std::int64_t i = 0; i < length; ++i) out[i] = local.code(x[i], scale, zero_point);
  } else {
    for (std::int64_t i = 0; i < length; ++i) out[i] = local.code(x[i], scales[i], zero_points[i]);
  }
}

float round_to(DType precision, float value) {
  return precision == DType::f16 ? to_float(to_half(value)) : to_float(to_bfloat16(value));
}

template <typename Target>
class QuantizeKernel final : public Kernel {
 public:
  QuantizeKernel(const OpContext& context, Target target, DType precision)
      : layout_(context), target_(target), from_(context.input_type(0).dtype), precision_(precision) {
    if (from_ != DType::f32) to_f32_ = find_converter(from_, DType::f32);
  }

  std::size_t scratch_bytes() const override { return QuantParameters::scratch_bytes(layout_); }

  void run(const KernelArgs& args) const override {
    const QuantParameters parameters(layout_, args);
    if (is_float8(args.outputs[0].dtype())) check_zero(parameters);
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t position = begin; position < end;) {
        const QuantRun run = layout_.run_at(position);
        const std::int64_t length = std::min(run.length, end - position);
        quantize_run(args, parameters, run, position, length);
        position += length;
      }
    });
  }

 private:
  void check_zero(const QuantParameters& parameters) const {
    for (std::int64_t i = 0; i < layout_.scale_count(); ++i) {
      NQ_CHECK(parameters.zero_points()[i] == 0.0F, input, "a float8 zero point must be 0");
    }
  }

  void quantize_run(const KernelArgs& args, const QuantParameters& all, const QuantRun& run,
                    std::int64_t position, std::int64_t length) const {
    auto* out = args.outputs[0].as<typename Target::Storage>();
    const SpanParameters parameters{all.scales() + run.scale_index, all.zero_points() + run.scale_index,
                                    run.scale_step};
    if (from_ == DType::f32 && precision_ == DType::f32) {
      quantize_span(target_, args.inputs[0].as<float>() + position, parameters, out + position, length);
      return;
    }
    for (std::int64_t done = 0; done < length; done += kBlock) {
      const std::int64_t size = std::min(kBlock, length - done);
      SpanParameters block = parameters;
      block.scale += done * run.scale_step;
      block.zero_point += done * run.scale_step;
      quantize_block(args.inputs[0], position + done, block, out + position + done, size);
    }
  }

  void quantize_block(const TensorView& in, std::int64_t position, const SpanParameters& parameters,
                      typename Target::Storage* out, std::int64_t size) const {
    std::array<float, kBlock> x;
    if (to_f32_ == nullptr) {
      std::copy_n(in.as<float>() + position, size, x.data());
    } else {
      to_f32_(in.data + position * static_cast<std::int64_t>(element_bytes(from_)),
              reinterpret_cast<std::byte*>(x.data()), size);
    }
    if (precision_ == DType::f32) {
      quantize_span(target_, x.data(), parameters, out, size);
      return;
    }
    for (std::int64_t i = 0; i < size; ++i) {
      const float scale = round_to(precision_, parameters.scale[i * parameters.step]);
      const float quotient = round_to(precision_, round_to(precision_, x[i]) / scale);
      out[i] = target_.code(quotient, 1.0F, parameters.zero_point[i * parameters.step]);
    }
  }

  QuantLayout layout_;
  Target target_;
  DType from_;
  DType precision_;
  Converter to_f32_ = nullptr;
};

/// Type of the codes: that of the zero point, else attribute `output_dtype`, else uint8.
DType quantized_dtype(const OpContext& context) {
  const bool has_attribute = context.opset() >= 21 && attr_int(context.node(), "output_dtype", 0) != 0;
  if (!context.has_input(2)) {
    return has_attribute ? attr_dtype(context.node(), "output_dtype") : DType::u8;
  }
  const DType dtype = context.input_type(2).dtype;
  if (has_attribute) {
    const DType named = attr_dtype(context.node(), "output_dtype");
    NQ_CHECK(named == dtype, input, "output_dtype is {}, but the zero point is {}", to_string(named),
             to_string(dtype));
  }
  return dtype;
}

DType division_precision(const OpContext& context) {
  DType precision = context.input_type(1).dtype;
  if (context.opset() >= 23 && attr_int(context.node(), "precision", 0) != 0) {
    precision = attr_dtype(context.node(), "precision");
    NQ_CHECK(precision == DType::f32 || precision == DType::f16 || precision == DType::bf16, input,
             "QuantizeLinear cannot divide in {}", to_string(precision));
  }
  return precision == DType::i32 ? DType::f32 : precision;
}

void infer_quantize(OpContext& context) {
  check_arity(context, {2, 3});
  check_dtype(context, 0, {DType::f32, DType::f16, DType::bf16, DType::i32});
  check_dtype(context, 1, {DType::f32, DType::f16, DType::bf16, DType::i32});
  const DType dtype = quantized_dtype(context);
  NQ_CHECK(code_range(dtype) || is_float8(dtype), input, "QuantizeLinear does not quantize to {}",
           to_string(dtype));
  (void)division_precision(context);
  (void)QuantLayout(context);
  context.set_output(0, {dtype, context.input_shape(0)});
}

template <typename Target>
KernelPtr make_quantize(const OpContext& context, Target target) {
  return std::make_unique<QuantizeKernel<Target>>(context, target, division_precision(context));
}

KernelPtr bind_quantize(const OpContext& context) {
  const DType dtype = context.output_type(0).dtype;
  const bool saturate = attr_int(context.node(), "saturate", 1) != 0;
  const CodeRange range = code_range(dtype).value_or(CodeRange{});
  switch (dtype) {
    case DType::f8e4m3fn: return make_quantize(context, Float8Target<F8E4M3FN>{saturate});
    case DType::f8e4m3fnuz: return make_quantize(context, Float8Target<F8E4M3FNUZ>{saturate});
    case DType::f8e5m2: return make_quantize(context, Float8Target<F8E5M2>{saturate});
    case DType::f8e5m2fnuz: return make_quantize(context, Float8Target<F8E5M2FNUZ>{saturate});
    case DType::i4:
    case DType::i8: return make_quantize(context, IntegerTarget<std::int8_t>{range});
    case DType::u4:
    case DType::u8: return make_quantize(context, IntegerTarget<std::uint8_t>{range});
    case DType::i16: return make_quantize(context, IntegerTarget<std::int16_t>{range});
    default: return make_quantize(context, IntegerTarget<std::uint16_t>{range});
  }
}

}  // namespace

void register_quantize_linear(OpRegistry& registry) {
  registry.add({"QuantizeLinear", 10, INT_MAX, infer_quantize, bind_quantize, Promotion::none});
}

}  // namespace nq
