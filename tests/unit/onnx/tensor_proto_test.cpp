#include "onnx/tensor_proto.hpp"

#include <catch2/catch.hpp>

#include "core/float_formats.hpp"
#include "nq/tensor_file.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

const ExternalData kNoFolder{std::filesystem::path{}};

Tensor decode(const onnx::TensorProto& proto) {
  auto owner = std::make_shared<onnx::TensorProto>(proto);
  return tensor_from_proto(*owner, owner, kNoFolder);
}

onnx::TensorProto proto_of(DType dtype, const std::vector<std::int64_t>& dims) {
  onnx::TensorProto proto;
  proto.set_name("t");
  proto.set_data_type(dtype_to_onnx(dtype));
  for (const auto dim : dims) proto.add_dims(dim);
  return proto;
}

}  // namespace

TEST_CASE("every element type survives encode and decode", "[onnx]") {
  for (const DType dtype :
       {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i8, DType::u8, DType::i16, DType::u16,
        DType::i32, DType::u32, DType::i64, DType::u64, DType::boolean, DType::i4, DType::u4, DType::f8e4m3fn,
        DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz}) {
    INFO(to_string(dtype));
    Tensor tensor(TensorType{dtype, Shape{5}});
    for (std::size_t at = 0; at < tensor.bytes(); ++at) {
      unsigned value = static_cast<unsigned>(at) * 37U + 5U;
      if (dtype == DType::boolean) value = at % 2;
      if (dtype == DType::u4) value &= 0xFU;
      if (dtype == DType::i4) value = static_cast<unsigned>(static_cast<int>(at * 3 % 16) - 8);
      tensor.mutable_data()[at] = static_cast<std::byte>(value & 0xFFU);
    }
    const Tensor back = decode(tensor_to_proto(tensor, "t"));
    CHECK(back.type() == tensor.type());
    CHECK(std::equal(back.data(), back.data() + back.bytes(), tensor.data()));
    CHECK(dtype_from_onnx(dtype_to_onnx(dtype)) == dtype);
  }
  const Tensor strings = decode(tensor_to_proto(Tensor::of_strings(Shape{2}, {"a", ""}), "t"));
  CHECK(strings.strings() == std::vector<std::string>{"a", ""});
}

TEST_CASE("the typed fields decode as onnx.proto3 lays them out", "[onnx]") {
  auto f = proto_of(DType::f32, {2});
  f.add_float_data(1.5F);
  f.add_float_data(-2);
  CHECK(test::floats(decode(f)) == std::vector<float>{1.5, -2});
  auto i8 = proto_of(DType::i8, {2});
  i8.add_int32_data(-3);
  i8.add_int32_data(127);
  CHECK(test::floats(decode(i8)) == std::vector<float>{-3, 127});
  auto half = proto_of(DType::f16, {1});
  half.add_int32_data(to_half(-0.5F).bits);
  CHECK(test::floats(decode(half)) == std::vector<float>{-0.5});
  auto flag = proto_of(DType::boolean, {2});
  flag.add_int32_data(0);
  flag.add_int32_data(7);
  CHECK(test::floats(decode(flag)) == std::vector<float>{0, 1});
  auto wide = proto_of(DType::u32, {1});
  wide.add_uint64_data(4000000000U);
  CHECK(to_vector<double>(decode(wide).view()) == std::vector<double>{4e9});
  auto e4 = proto_of(DType::f8e4m3fn, {1});
  e4.add_int32_data(0x7E);
  CHECK(test::floats(decode(e4)) == std::vector<float>{448});
  CHECK(decode(proto_of(DType::f32, {0, 3})).elements() == 0);
}

TEST_CASE("four-bit integers are packed low nibble first, the tail padded", "[onnx]") {
  const auto proto = [](DType dtype, const std::string& bytes, std::int64_t count) {
    auto result = proto_of(dtype, {count});
    result.set_raw_data(bytes);
    return result;
  };
  CHECK(test::floats(decode(proto(DType::i4, "\x8F\x07", 3))) == std::vector<float>{-1, -8, 7});
  CHECK(test::floats(decode(proto(DType::u4, "\x8F\x07", 3))) == std::vector<float>{15, 8, 7});
  CHECK_ERROR(decode(proto(DType::i4, "\x8F\x07", 5)), input, "holds 2 bytes");
  auto pairs = proto_of(DType::u4, {3});
  pairs.add_int32_data(0x21);
  pairs.add_int32_data(0x03);
  CHECK(test::floats(decode(pairs)) == std::vector<float>{1, 2, 3});
}

TEST_CASE("sizes that disagree are refused before anything is allocated", "[onnx]") {
  auto raw = proto_of(DType::f32, {2});
  raw.set_raw_data("1234567");
  CHECK_ERROR(decode(raw), input, "holds 7 bytes, its type float32[2] needs 8 · in tensor 't'");
  auto few = proto_of(DType::f32, {1 << 20, 1 << 10});
  few.add_float_data(1);
  CHECK_ERROR(decode(few), input, "holds 1 values");
  auto elsewhere = proto_of(DType::f32, {1});
  elsewhere.add_int64_data(1);
  CHECK_ERROR(decode(elsewhere), input, "holds 0 values");
  CHECK_ERROR(decode(proto_of(DType::f32, {-1})), input, "negative dimension");
  CHECK_ERROR(decode(proto_of(DType::f32, {std::int64_t{1} << 40})), resource, "2^34");
  CHECK_ERROR(decode(proto_of(DType::f32, {1 << 20, 1 << 20, 1 << 20, 1 << 20})), resource, "2^34");
  auto strings = proto_of(DType::string, {2});
  strings.add_string_data("one");
  CHECK_ERROR(decode(strings), input, "holds 1 strings");
  auto segment = proto_of(DType::f32, {1});
  segment.mutable_segment()->set_begin(0);
  CHECK_ERROR(decode(segment), unsupported, "segments");
  onnx::TensorProto untyped;
  CHECK_ERROR(decode(untyped), input, "no element type");
  untyped.set_data_type(14);
  CHECK_ERROR(decode(untyped), unsupported, "element type 14");
}

TEST_CASE("raw bytes alias the proto and outlive it through the owner", "[onnx]") {
  auto owner = std::make_shared<onnx::TensorProto>(tensor_to_proto(test::random_tensor({64}, "alias"), "t"));
  const void* bytes = owner->raw_data().data();
  const Tensor tensor = tensor_from_proto(*owner, owner, kNoFolder);
  owner.reset();
  CHECK(static_cast<const void*>(tensor.data()) == bytes);
  CHECK(test::floats(tensor) == test::random_values(64, "alias"));
}

TEST_CASE("tensor files in both formats come back the same", "[onnx]") {
  const test::TempDir folder;
  const Tensor tensor = test::random_tensor({2, 3}, "file");
  for (const char* name : {"t.pb", "t.npy"}) {
    save_tensor(folder / name, tensor);
    const Tensor back = load_tensor(folder / name);
    CHECK(back.type() == tensor.type());
    CHECK(test::floats(back) == test::floats(tensor));
  }
  CHECK(folder.names() == std::vector<std::string>{"t.npy", "t.pb"});
  CHECK_ERROR(save_tensor(folder / "t.txt", tensor), usage, "must end in .npy or .pb");
  CHECK_ERROR(load_tensor(folder / "t.txt"), usage, "must end in");
  CHECK_ERROR(load_tensor(folder / "gone.npy"), input, "gone.npy");
  CHECK_ERROR(load_tensor(folder.write("bad.pb", "\xFF\xFF\xFF")), input, "bad.pb");
  CHECK_ERROR(load_tensor(folder.write("none.pb", "")), input, "none.pb");
  CHECK_ERROR(save_tensor(folder / "half.npy", Tensor(TensorType{DType::bf16, {1}})), usage,
              "numpy has no type");
}

}  // namespace nq
