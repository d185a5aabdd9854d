#include "onnx/npy.hpp"

#include <catch2/catch.hpp>

#include "support/errors.hpp"
#include "support/models.hpp"

namespace nq {
namespace {

/// Version 1.0 file with the given header text and data.
std::string npy(std::string header, const std::string& data, char version = 1) {
  std::string bytes("\x93NUMPY", 6);
  bytes += version;
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + header + data;
}

std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

}  // namespace

TEST_CASE("npy files are written as numpy writes them", "[onnx]") {
  const Tensor tensor = Tensor::of(Shape{2, 2}, std::vector<float>{1.5, -2, 3, 4});
  const std::string bytes = format_npy(tensor);
  // What numpy.save gives for the same array.
  std::string expected("\x93NUMPY\x01\x00v\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  expected += std::string(128 - expected.size() - 1, ' ') + "\n";
  expected.append(reinterpret_cast<const char*>(tensor.data()), 16);
  CHECK(bytes == expected);
}

TEST_CASE("npy round trips every numpy type and rank", "[onnx]") {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::i8, DType::u8, DType::i16, DType::u16,
                            DType::i32, DType::u32, DType::i64, DType::u64, DType::boolean}) {
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{0}, Shape{2, 0, 3}, Shape{1, 2, 1, 2}}) {
      Tensor tensor(TensorType{dtype, shape});
      for (std::size_t at = 0; at < tensor.bytes(); ++at)
        tensor.mutable_data()[at] = static_cast<std::byte>(at % 2);
      const Tensor back = parse_npy(format_npy(tensor));
      CHECK(back.type() == tensor.type());
      CHECK(std::equal(back.data(), back.data() + back.bytes(), tensor.data()));
    }
  }
}

TEST_CASE("npy versions 1 to 3 are read", "[onnx]") {
  for (const char version : {'\1', '\2', '\3'}) {
    CHECK(test::floats(parse_npy(npy(header("|u1", "(3,)"), "\x01\x02\x03", version))) ==
          std::vector<float>{1, 2, 3});
  }
  CHECK_ERROR(parse_npy(npy(header("|u1", "(3,)"), "\x01\x02\x03", 4)), input, "version 4");
}

TEST_CASE("bool bytes other than 0 and 1 become true", "[onnx]") {
  CHECK(test::floats(parse_npy(npy(header("|b1", "(3,)"), std::string("\x00\x02\xFF", 3)))) ==
        std::vector<float>{0, 1, 1});
}

TEST_CASE("malformed npy files are refused", "[onnx]") {
  CHECK_ERROR(parse_npy(""), input, "not a .npy file");
  CHECK_ERROR(parse_npy("\x93NUMPY"), input, "not a .npy file");
  CHECK_ERROR(parse_npy(std::string(200, 'x')), input, "not a .npy file");
  const std::string data(12, '\0');
  CHECK_NOTHROW(parse_npy(npy(header("<f4", "(3,)"), data)));
  CHECK_ERROR(parse_npy(npy(header("<f4", "(3,)"), data).substr(0, 40)), input, "truncated");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(3,)"), data.substr(1))), input, "11 bytes, float32[3] needs 12");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(3,)"), data + "x")), input, "13 bytes");
  CHECK_ERROR(parse_npy(npy(header(">f4", "(3,)"), data)), input, "not little-endian");
  CHECK_ERROR(parse_npy(npy(header("<c8", "(3,)"), data)), input, "'<c8' is not supported");
  CHECK_ERROR(parse_npy(npy(header("|O", "(3,)"), data)), input, "not supported");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(3,)", "True"), data)), input, "Fortran");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(-3,)"), data)), input, "shape is malformed");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(3"), data)), input, "shape is malformed");
  CHECK_ERROR(parse_npy(npy(header("<f4", "[3]"), data)), input, "shape is malformed");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(3x,)"), data)), input, "shape is malformed");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(99999999999999999999,)"), data)), input, "shape is malformed");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(1099511627776,)"), data)), resource, "2^34");
  CHECK_ERROR(parse_npy(npy(header("<f4", "(1048576,1048576,1048576,1048576)"), data)), resource, "2^34");
  CHECK_ERROR(parse_npy(npy("{'fortran_order': False, 'shape': (3,), }", data)), input, "lacks 'descr'");
  CHECK_ERROR(parse_npy(npy("{'descr': '<f4', 'fortran_order': False, }", data)), input, "lacks 'shape'");
  CHECK_ERROR(parse_npy(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", data)),
              input, "structured");
  CHECK_ERROR(parse_npy(npy("{'descr':", data)), input, "lacks");
}

TEST_CASE("any prefix and any changed byte of an npy file is harmless", "[onnx]") {
  const std::string good = npy(header("<i2", "(2,3)"), std::string(12, 'a'));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (std::string bytes : {good.substr(0, at), good}) {
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
      try {
        (void)parse_npy(bytes);
      } catch (const Error& error) {
        CHECK((error.kind() == ErrorKind::input || error.kind() == ErrorKind::resource));
      }
    }
  }
}

}  // namespace nq
