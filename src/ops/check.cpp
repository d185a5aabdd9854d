#include "ops/check.hpp"

#include <algorithm>
#include <string>

namespace nq {

void check_arity(const OpContext& context, Arity inputs, Arity outputs) {
  const std::string& type = context.node().op_type;
  NQ_CHECK(context.num_inputs() >= inputs.min && context.num_inputs() <= inputs.max, input,
           "{} takes {} to {} inputs, got {}", type, inputs.min, inputs.max, context.num_inputs());
  NQ_CHECK(context.num_outputs() >= outputs.min && context.num_outputs() <= outputs.max, input,
           "{} gives {} to {} outputs, got {}", type, outputs.min, outputs.max, context.num_outputs());
  for (int i = 0; i < inputs.min; ++i) (void)context.input_type(i);
  for (int i = 0; i < outputs.min; ++i) {
    NQ_CHECK(context.has_output(i), input, "{} needs output {}, which is missing", type, i);
  }
}

void fail_dtype(const OpContext& context, int i) {
  const DType dtype = context.input_type(i).dtype;
  const bool exotic = dtype == DType::string || (is_float(dtype) && element_bytes(dtype) == 1);
  fail(exotic ? ErrorKind::unsupported : ErrorKind::input, "{} (opset {}) does not take {} as input {}",
       context.node().op_type, context.opset(), to_string(dtype), i);
}

void check_dtype(const OpContext& context, int i, std::initializer_list<DType> allowed) {
  const DType dtype = context.input_type(i).dtype;
  if (std::find(allowed.begin(), allowed.end(), dtype) == allowed.end()) fail_dtype(context, i);
}

void check_float(const OpContext& context, int i) { check_dtype(context, i, {DType::f32, DType::f64}); }

void check_same_dtype(const OpContext& context, int i, int j) {
  const DType first = context.input_type(i).dtype;
  const DType second = context.input_type(j).dtype;
  NQ_CHECK(first == second, input, "{} inputs {} and {} differ in type: {} and {}", context.node().op_type, i,
           j, to_string(first), to_string(second));
}

bool is_numeric(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32:
    case DType::f64:
    case DType::i8:
    case DType::u8:
    case DType::i16:
    case DType::u16:
    case DType::i32:
    case DType::u32:
    case DType::i64:
    case DType::u64: return true;
    default: return false;
  }
}

}  // namespace nq
