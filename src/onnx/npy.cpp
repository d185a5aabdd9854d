#include "onnx/npy.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "core/check.hpp"

namespace nq {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::size_t kDataAlignment = 64;
constexpr int kMaxRank = 32;

constexpr std::array<std::pair<std::string_view, DType>, 12> kDescriptors = {{
    {"f4", DType::f32}, {"f8", DType::f64}, {"f2", DType::f16}, {"i1", DType::i8}, {"u1", DType::u8},
    {"i2", DType::i16}, {"u2", DType::u16}, {"i4", DType::i32}, {"u4", DType::u32}, {"i8", DType::i64},
    {"u8", DType::u64}, {"b1", DType::boolean},
}};

/// Text behind `'key':` in the header dictionary, leading spaces dropped.
std::string_view header_value(std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}':", key);
  const std::size_t at = header.find(quoted);
  NQ_CHECK(at != std::string_view::npos, input, ".npy header lacks '{}'", key);
  header.remove_prefix(at + quoted.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

DType parse_descriptor(std::string_view text) {
  const std::size_t quote = text.size() > 1 ? text.find('\'', 1) : std::string_view::npos;
  NQ_CHECK(quote != std::string_view::npos && text.front() == '\'', input, ".npy header has a structured type");
  const std::string_view descriptor = text.substr(1, quote - 1);
  NQ_CHECK(descriptor.size() > 1 && descriptor.front() != '>', input, ".npy type '{}' is not little-endian",
           descriptor);
  for (const auto& [name, dtype] : kDescriptors) {
    if (descriptor.substr(1) == name) return dtype;
  }
  fail(ErrorKind::input, ".npy type '{}' is not supported", descriptor);
}

Shape parse_shape(std::string_view text) {
  const std::size_t close = text.find(')');
  NQ_CHECK(!text.empty() && text.front() == '(' && close != std::string_view::npos, input, ".npy shape is malformed");
  text = text.substr(1, close - 1);
  Shape shape;
  while (!text.empty()) {
    const std::size_t skip = text.find_first_not_of(" ,");
    if (skip == std::string_view::npos) break;
    text.remove_prefix(skip);
    std::int64_t dim = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), dim);
    NQ_CHECK(error == std::errc{} && dim >= 0 && shape.rank() < kMaxRank, input, ".npy shape is malformed");
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    shape.push_back(dim);
  }
  return shape;
}

}  // namespace

Tensor parse_npy(std::string_view bytes) {
  NQ_CHECK(bytes.size() >= 12 && bytes.substr(0, 6) == kMagic, input, "is not a .npy file");
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])); };
  const std::size_t version = byte(6);
  NQ_CHECK(version >= 1 && version <= 3, input, ".npy version {} is not supported", version);
  const std::size_t prefix = version == 1 ? 10 : 12;
  const std::size_t length = version == 1 ? byte(8) | byte(9) << 8
                                          : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  NQ_CHECK(length <= bytes.size() - prefix, input, ".npy header is truncated");
  const std::string_view header = bytes.substr(prefix, length);
  NQ_CHECK(header_value(header, "fortran_order").starts_with("False"), input, ".npy array is in Fortran order");
  const TensorType type{parse_descriptor(header_value(header, "descr")), parse_shape(header_value(header, "shape"))};
  const std::string_view data = bytes.substr(prefix + length);
  NQ_CHECK(data.size() == type.bytes(), input, ".npy data has {} bytes, {} needs {}", data.size(), to_string(type),
           type.bytes());
  Tensor tensor(type);
  if (!data.empty()) std::memcpy(tensor.mutable_data(), data.data(), data.size());
  if (type.dtype == DType::boolean) {
    // A bool byte other than 0 or 1 would be undefined behaviour to read.
    for (std::size_t at = 0; at < data.size(); ++at) {
      std::byte& value = tensor.mutable_data()[at];
      value = value == std::byte{0} ? std::byte{0} : std::byte{1};
    }
  }
  return tensor;
}

std::string format_npy(const Tensor& tensor) {
  std::string_view descriptor;
  for (const auto& [name, dtype] : kDescriptors) {
    if (dtype == tensor.dtype()) descriptor = name;
  }
  NQ_CHECK(!descriptor.empty(), usage, "numpy has no type for {}: write .pb instead", to_string(tensor.dtype()));
  const char order = element_bytes(tensor.dtype()) == 1 ? '|' : '<';
  const Shape& shape = tensor.shape();
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}", order, descriptor,
                                   fmt::join(shape.begin(), shape.end(), ", "), shape.rank() == 1 ? "," : "");
  const std::size_t unpadded = 10 + header.size() + 1;
  header.append((kDataAlignment - unpadded % kDataAlignment) % kDataAlignment, ' ');
  header.push_back('\n');
  std::string bytes{kMagic};
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(tensor.data()), tensor.bytes());
  return bytes;
}

}  // namespace nq
