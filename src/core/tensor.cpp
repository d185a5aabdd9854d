#include "nq/tensor.hpp"

#include <cstring>
#include <new>

#include "core/check.hpp"
#include "core/float_formats.hpp"

namespace nq {
namespace {

constexpr std::align_val_t kAlignment{64};

std::shared_ptr<std::byte> allocate_zeroed(std::size_t bytes) {
  const std::size_t size = bytes == 0 ? 1 : bytes;
  auto* raw = static_cast<std::byte*>(::operator new(size, kAlignment, std::nothrow));
  NQ_CHECK(raw != nullptr, resource, "cannot allocate {} bytes for a tensor", bytes);
  std::memset(raw, 0, size);
  return {raw, [](std::byte* p) { ::operator delete(p, kAlignment); }};
}

template <typename T, typename Source>
void append_as(std::vector<T>& out, const TensorView& tensor) {
  for (const Source value : tensor.span<Source>()) out.push_back(static_cast<T>(value));
}

template <typename T, typename Source>
void append_decoded(std::vector<T>& out, const TensorView& tensor) {
  for (const Source value : tensor.span<Source>()) out.push_back(static_cast<T>(to_float(value)));
}

}  // namespace

Tensor::Tensor(TensorType type) : type_(std::move(type)) {
  auto storage = allocate_zeroed(type_.bytes());
  mutable_ = storage.get();
  data_ = storage.get();
  owner_ = std::move(storage);
}

Tensor::Tensor(TensorType type, std::shared_ptr<const void> owner, const std::byte* data)
    : type_(std::move(type)), owner_(std::move(owner)), data_(data) {}

template <typename T>
Tensor Tensor::of(Shape shape, std::span<const T> values) {
  Tensor tensor(TensorType{dtype_of<T>(), std::move(shape)});
  NQ_ASSERT(static_cast<std::size_t>(tensor.elements()) == values.size());
  if (!values.empty()) std::memcpy(tensor.mutable_, values.data(), values.size_bytes());
  return tensor;
}

Tensor Tensor::of_strings(Shape shape, std::vector<std::string> values) {
  Tensor tensor;
  tensor.type_ = {DType::string, std::move(shape)};
  NQ_ASSERT(static_cast<std::size_t>(tensor.elements()) == values.size());
  tensor.strings_ = std::make_shared<const std::vector<std::string>>(std::move(values));
  return tensor;
}

template <typename T>
std::span<const T> Tensor::span() const {
  NQ_ASSERT(type_.dtype == dtype_of<T>());
  return {reinterpret_cast<const T*>(data_), static_cast<std::size_t>(elements())};
}

template <typename T>
std::span<T> Tensor::mutable_span() {
  NQ_ASSERT(type_.dtype == dtype_of<T>() && mutable_ != nullptr);
  return {reinterpret_cast<T*>(mutable_), static_cast<std::size_t>(elements())};
}

Tensor Tensor::reshaped(Shape shape) const {
  NQ_ASSERT(shape.elements() == elements());
  Tensor copy = *this;
  copy.type_.shape = std::move(shape);
  copy.mutable_ = nullptr;
  return copy;
}

const std::vector<std::string>& Tensor::strings() const {
  NQ_ASSERT(strings_ != nullptr);
  return *strings_;
}

template <> DType dtype_of<float>() noexcept { return DType::f32; }
template <> DType dtype_of<double>() noexcept { return DType::f64; }
template <> DType dtype_of<Half>() noexcept { return DType::f16; }
template <> DType dtype_of<BFloat16>() noexcept { return DType::bf16; }
template <> DType dtype_of<std::int8_t>() noexcept { return DType::i8; }
template <> DType dtype_of<std::uint8_t>() noexcept { return DType::u8; }
template <> DType dtype_of<std::int16_t>() noexcept { return DType::i16; }
template <> DType dtype_of<std::uint16_t>() noexcept { return DType::u16; }
template <> DType dtype_of<std::int32_t>() noexcept { return DType::i32; }
template <> DType dtype_of<std::uint32_t>() noexcept { return DType::u32; }
template <> DType dtype_of<std::int64_t>() noexcept { return DType::i64; }
template <> DType dtype_of<std::uint64_t>() noexcept { return DType::u64; }
template <> DType dtype_of<bool>() noexcept { return DType::boolean; }

template <typename T>
std::vector<T> to_vector(const TensorView& tensor) {
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(tensor.elements()));
  switch (tensor.dtype()) {
    case DType::f32: append_as<T, float>(out, tensor); break;
    case DType::f64: append_as<T, double>(out, tensor); break;
    case DType::f16: append_decoded<T, Half>(out, tensor); break;
    case DType::bf16: append_decoded<T, BFloat16>(out, tensor); break;
    case DType::i8: case DType::i4: append_as<T, std::int8_t>(out, tensor); break;
    case DType::u8: case DType::u4: append_as<T, std::uint8_t>(out, tensor); break;
    case DType::i16: append_as<T, std::int16_t>(out, tensor); break;
    case DType::u16: append_as<T, std::uint16_t>(out, tensor); break;
    case DType::i32: append_as<T, std::int32_t>(out, tensor); break;
    case DType::u32: append_as<T, std::uint32_t>(out, tensor); break;
    case DType::i64: append_as<T, std::int64_t>(out, tensor); break;
    case DType::u64: append_as<T, std::uint64_t>(out, tensor); break;
    case DType::boolean: append_as<T, bool>(out, tensor); break;
    case DType::f8e4m3fn: append_decoded<T, F8E4M3FN>(out, tensor); break;
    case DType::f8e4m3fnuz: append_decoded<T, F8E4M3FNUZ>(out, tensor); break;
    case DType::f8e5m2: append_decoded<T, F8E5M2>(out, tensor); break;
    case DType::f8e5m2fnuz: append_decoded<T, F8E5M2FNUZ>(out, tensor); break;
    case DType::string: fail(ErrorKind::unsupported, "a string tensor has no numeric value");
  }
  return out;
}

#define NQ_INSTANTIATE(T)                                   \
  template Tensor Tensor::of<T>(Shape, std::span<const T>); \
  template std::span<const T> Tensor::span<T>() const;      \
  template std::span<T> Tensor::mutable_span<T>();
NQ_INSTANTIATE(float)
NQ_INSTANTIATE(double)
NQ_INSTANTIATE(std::int8_t)
NQ_INSTANTIATE(std::uint8_t)
NQ_INSTANTIATE(std::int16_t)
NQ_INSTANTIATE(std::uint16_t)
NQ_INSTANTIATE(std::int32_t)
NQ_INSTANTIATE(std::uint32_t)
NQ_INSTANTIATE(std::int64_t)
NQ_INSTANTIATE(std::uint64_t)
NQ_INSTANTIATE(bool)
NQ_INSTANTIATE(Half)
NQ_INSTANTIATE(BFloat16)
#undef NQ_INSTANTIATE

template std::vector<float> to_vector<float>(const TensorView&);
template std::vector<double> to_vector<double>(const TensorView&);
template std::vector<std::int32_t> to_vector<std::int32_t>(const TensorView&);
template std::vector<std::int64_t> to_vector<std::int64_t>(const TensorView&);

}  // namespace nq
