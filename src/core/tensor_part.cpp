#include "core/tensor_part.hpp"

#include <memory>
#include <utility>

#include "core/check.hpp"

namespace nq {

Tensor tensor_part(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  const std::int64_t length = tensor.shape()[0];
  NQ_ASSERT(first >= 0 && count >= 0 && first + count <= length);
  if (count == length) return tensor;
  auto owner = std::make_shared<const Tensor>(tensor);
  TensorType type = tensor.type();
  type.shape[0] = count;
  const std::byte* data = owner->data() + owner->bytes() / static_cast<std::size_t>(length) * static_cast<std::size_t>(first);
  return Tensor(std::move(type), std::move(owner), data);
}

}  // namespace nq
