#include <algorithm>
#include <cmath>

#include "ops/broadcast.hpp"
#include "ops/check.hpp"

// DynamicQuantizeLinear-11: uint8 codes with a scale from the range of the tensor itself,
// extended to contain 0.

namespace nq {
namespace {

constexpr float kMaxCode = 255.0F;

struct DynamicRange {
  float scale = 0;
  float zero_point = 0;
};

float clamp_code(float value) {
  const float raised = value > 0.0F ? value : 0.0F;
  return raised < kMaxCode ? raised : kMaxCode;
}

/// Source: ONNX DynamicQuantizeLinear-11; a range of zero width gets the width 1.
DynamicRange dynamic_range(const float* x, std::int64_t count) {
  float low = 0.0F;
  float high = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  DynamicRange range;
  range.scale = (high == low ? 1.0F : high - low) / kMaxCode;
  range.zero_point = std::nearbyint(clamp_code(0.0F - low / range.scale));
  return range;
}

class DynamicQuantizeKernel final : public Kernel {
 public:
  void run(const KernelArgs& args) const override {
    const float* x = args.inputs[0].as<float>();
    std::uint8_t* y = args.outputs[0].as<std::uint8_t>();
    const std::int64_t count = args.outputs[0].elements();
    const DynamicRange range = dynamic_range(x, count);
    if (args.outputs[1].present()) *args.outputs[1].as<float>() = range.scale;
    if (args.outputs[2].present()) {
      *args.outputs[2].as<std::uint8_t>() = static_cast<std::uint8_t>(range.zero_point);
    }
    parallel_elements(count, [&](std::int64_t begin, std::int64_t end) {
      // Copies in locals: stores of bytes alias everything else.
      const auto [scale, zero_point] = range;
      const float* in = x + begin;
      std::uint8_t* out = y + begin;
      const std::int64_t size = end - begin;
      for (std::int64_t i = 0; i < size; ++i) {
        const float code = clamp_code(std::nearbyint(in[i] / scale) + zero_point);
        out[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(code));
      }
    });
  }
};

void infer_dynamic_quantize(OpContext& context) {
  check_arity(context, {1, 1}, {3, 3});
  check_dtype(context, 0, {DType::f32});
  context.set_output(0, {DType::u8, context.input_shape(0)});
  context.set_output(1, {DType::f32, {}});
  context.set_output(2, {DType::u8, {}});
}

KernelPtr bind_dynamic_quantize(const OpContext&) { return std::make_unique<DynamicQuantizeKernel>(); }

}  // namespace

void register_dynamic_quantize(OpRegistry& registry) {
  registry.add(
      {"DynamicQuantizeLinear", 11, INT_MAX, infer_dynamic_quantize, bind_dynamic_quantize, Promotion::none});
}

}  // namespace nq
