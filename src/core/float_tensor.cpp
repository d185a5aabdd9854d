#include "core/float_tensor.hpp"

#include "core/check.hpp"
#include "core/float_formats.hpp"

namespace nq {

Tensor from_float32(const Tensor& tensor, DType dtype) {
  if (dtype == DType::f32) return tensor;
  NQ_ASSERT(dtype == DType::f16 || dtype == DType::bf16);
  Tensor result(TensorType{dtype, tensor.shape()});
  const auto values = tensor.span<float>();
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (dtype == DType::f16) result.mutable_span<Half>()[k] = to_half(values[k]);
    else result.mutable_span<BFloat16>()[k] = to_bfloat16(values[k]);
  }
  return result;
}

}  // namespace nq
