#include "onnx/tensor_proto.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/check.hpp"
#include "core/float_formats.hpp"

namespace nq {
namespace {

// TensorProto.DataType numbers (onnx.proto3); the installed headers may be older than the file.
constexpr std::array<std::pair<int, DType>, 20> kDataTypes = {{
    {1, DType::f32},   {2, DType::u8},      {3, DType::i8},     {4, DType::u16},        {5, DType::i16},
    {6, DType::i32},   {7, DType::i64},     {8, DType::string}, {9, DType::boolean},    {10, DType::f16},
    {11, DType::f64},  {12, DType::u32},    {13, DType::u64},   {16, DType::bf16},      {17, DType::f8e4m3fn},
    {18, DType::f8e4m3fnuz}, {19, DType::f8e5m2}, {20, DType::f8e5m2fnuz}, {21, DType::u4}, {22, DType::i4},
}};

bool is_packed_nibbles(DType dtype) { return dtype == DType::i4 || dtype == DType::u4; }

std::size_t file_bytes(const TensorType& type) {
  return is_packed_nibbles(type.dtype) ? (static_cast<std::size_t>(type.shape.elements()) + 1) / 2 : type.bytes();
}

void unpack_nibbles(const std::byte* packed, bool is_signed, Tensor& out) {
  std::byte* target = out.mutable_data();
  for (std::int64_t element = 0; element < out.elements(); ++element) {
    const auto byte = static_cast<unsigned>(packed[element / 2]);
    const unsigned nibble = element % 2 == 0 ? byte & 0xFU : byte >> 4;
    const unsigned extended = is_signed && (nibble & 8U) != 0 ? nibble | 0xF0U : nibble;
    target[element] = static_cast<std::byte>(extended);
  }
}

Tensor from_bytes(const TensorType& type, const std::shared_ptr<const void>& owner, const std::byte* data) {
  if (is_packed_nibbles(type.dtype)) {
    Tensor tensor(type);
    unpack_nibbles(data, type.dtype == DType::i4, tensor);
    return tensor;
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % element_bytes(type.dtype) == 0;
  // A bool byte other than 0 or 1 would be undefined behaviour to read: normalize by copying.
  if (aligned && type.dtype != DType::boolean) return Tensor(type, owner, data);
  Tensor copy(type);
  if (type.bytes() > 0) std::memcpy(copy.mutable_data(), data, type.bytes());
  if (type.dtype == DType::boolean) {
    for (std::int64_t element = 0; element < copy.elements(); ++element) {
      std::byte& value = copy.mutable_data()[element];
      value = value == std::byte{0} ? std::byte{0} : std::byte{1};
    }
  }
  return copy;
}

template <typename Stored, typename Field>
void copy_field(const Field& field, Tensor& out) {
  auto* target = reinterpret_cast<Stored*>(out.mutable_data());
  for (int element = 0; element < field.size(); ++element) target[element] = static_cast<Stored>(field[element]);
}

/// Decodes the typed repeated fields (float_data, int32_data, ...), as laid out in onnx.proto3.
Tensor from_fields(const TensorType& type, const onnx::TensorProto& proto) {
  const auto expect = [&](std::int64_t size, std::int64_t needed) {
    NQ_CHECK(size == needed, input, "holds {} values, its shape {} needs {}", size, to_string(type.shape), needed);
  };
  const std::int64_t elements = type.shape.elements();
  Tensor out(type);
  switch (type.dtype) {
    case DType::f32:
      expect(proto.float_data_size(), elements);
      copy_field<float>(proto.float_data(), out);
      return out;
    case DType::f64:
      expect(proto.double_data_size(), elements);
      copy_field<double>(proto.double_data(), out);
      return out;
    case DType::i64:
      expect(proto.int64_data_size(), elements);
      copy_field<std::int64_t>(proto.int64_data(), out);
      return out;
    case DType::u64:
    case DType::u32:
      expect(proto.uint64_data_size(), elements);
      if (type.dtype == DType::u64) copy_field<std::uint64_t>(proto.uint64_data(), out);
      else copy_field<std::uint32_t>(proto.uint64_data(), out);
      return out;
    case DType::i4:
    case DType::u4: {
      expect(proto.int32_data_size(), (elements + 1) / 2);
      std::vector<std::byte> packed;
      for (const std::int32_t pair : proto.int32_data()) packed.push_back(static_cast<std::byte>(pair));
      unpack_nibbles(packed.data(), type.dtype == DType::i4, out);
      return out;
    }
    default: break;
  }
  expect(proto.int32_data_size(), elements);
  switch (type.dtype) {
    case DType::boolean: copy_field<bool>(proto.int32_data(), out); break;
    case DType::i32: copy_field<std::int32_t>(proto.int32_data(), out); break;
    default:
      if (element_bytes(type.dtype) == 1) copy_field<std::uint8_t>(proto.int32_data(), out);
      else copy_field<std::uint16_t>(proto.int32_data(), out);
  }
  return out;
}

Tensor decode(const onnx::TensorProto& proto, const std::shared_ptr<const void>& owner,
              const ExternalData& external) {
  NQ_CHECK(!proto.has_segment(), unsupported, "is stored in segments, which ONNX files do not use");
  TensorType type{dtype_from_onnx(proto.data_type()), Shape{}};
  for (const std::int64_t dim : proto.dims()) type.shape.push_back(dim);
  const std::int64_t elements = type.shape.elements();
  if (type.dtype == DType::string) {
    NQ_CHECK(proto.string_data_size() == elements, input, "holds {} strings, its shape needs {}",
             proto.string_data_size(), elements);
    return Tensor::of_strings(type.shape, {proto.string_data().begin(), proto.string_data().end()});
  }
  const std::size_t needed = file_bytes(type);
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    const ExternalData::Bytes bytes = external.read(proto, needed);
    return from_bytes(type, bytes.owner, bytes.data);
  }
  if (!proto.has_raw_data()) {
    // The element count is bounded by what the file really holds before anything is allocated.
    const std::int64_t held = std::max({proto.float_data_size(), proto.int32_data_size(), proto.int64_data_size(),
                                        proto.double_data_size(), proto.uint64_data_size()});
    const std::int64_t expected = is_packed_nibbles(type.dtype) ? (elements + 1) / 2 : elements;
    NQ_CHECK(held == expected, input, "holds {} values, its shape {} needs {}", held, to_string(type.shape), expected);
    return from_fields(type, proto);
  }
  NQ_CHECK(proto.raw_data().size() == needed, input, "holds {} bytes, its type {} needs {}",
           proto.raw_data().size(), to_string(type), needed);
  return from_bytes(type, owner, reinterpret_cast<const std::byte*>(proto.raw_data().data()));
}

}  // namespace

DType dtype_from_onnx(int data_type) {
  NQ_CHECK(data_type != 0, input, "has no element type");
  for (const auto& [code, dtype] : kDataTypes) {
    if (code == data_type) return dtype;
  }
  fail(ErrorKind::unsupported, "ONNX element type {} is not supported", data_type);
}

int dtype_to_onnx(DType dtype) {
  for (const auto& [code, known] : kDataTypes) {
    if (known == dtype) return code;
  }
  fail(ErrorKind::internal, "dtype {} has no ONNX code", to_string(dtype));
}

Tensor tensor_from_proto(const onnx::TensorProto& proto, const std::shared_ptr<const void>& owner,
                         const ExternalData& external) {
  return with_context([&] { return decode(proto, owner, external); },
                      [&] { return fmt::format("in tensor '{}'", proto.name()); });
}

onnx::TensorProto tensor_to_proto(const Tensor& tensor, const std::string& name) {
  onnx::TensorProto proto;
  proto.set_name(name);
  proto.set_data_type(dtype_to_onnx(tensor.dtype()));
  for (const std::int64_t dim : tensor.shape()) proto.add_dims(dim);
  if (tensor.dtype() == DType::string) {
    for (const std::string& text : tensor.strings()) proto.add_string_data(text);
    return proto;
  }
  if (!is_packed_nibbles(tensor.dtype())) {
    proto.set_raw_data(tensor.data(), tensor.bytes());
    return proto;
  }
  std::string packed(file_bytes(tensor.type()), '\0');
  for (std::int64_t element = 0; element < tensor.elements(); ++element) {
    const auto nibble = static_cast<unsigned>(tensor.data()[element]) & 0xFU;
    auto& byte = packed[static_cast<std::size_t>(element / 2)];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | (element % 2 == 0 ? nibble : nibble << 4));
  }
  proto.set_raw_data(std::move(packed));
  return proto;
}

}  // namespace nq
