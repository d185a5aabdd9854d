// Tensor files: .npy when the first byte is even, else .pb; refused, or read and written again alike.

#include <onnx/onnx_pb.h>

#include "fuzz_support.hpp"
#include "onnx/npy.hpp"
#include "onnx/tensor_proto.hpp"

namespace {

void check_npy(const std::string& file) {
  const nq::Tensor tensor = nq::parse_npy(file);
  nq::fuzz::require(tensor.bytes() <= file.size(), "an array with more bytes than its file");
  const std::string text = nq::format_npy(tensor);
  nq::fuzz::require(nq::format_npy(nq::parse_npy(text)) == text, "an array that was read is written otherwise");
}

void check_proto(const std::string& file) {
  auto proto = std::make_shared<onnx::TensorProto>();
  if (!proto->ParseFromString(file)) return;
  const nq::ExternalData external(nq::fuzz::empty_folder());
  const nq::Tensor tensor = nq::tensor_from_proto(*proto, proto, external);
  const auto written = std::make_shared<onnx::TensorProto>(nq::tensor_to_proto(tensor, "again"));
  const nq::Tensor again = nq::tensor_from_proto(*written, written, external);
  nq::fuzz::require(again.type() == tensor.type() && again.bytes() == tensor.bytes(), "a tensor of another type");
  nq::fuzz::require(tensor.bytes() == 0 || std::memcmp(again.data(), tensor.data(), tensor.bytes()) == 0,
                    "a tensor that was read is written otherwise");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nq::fuzz::Bytes bytes(data, size);
  const bool is_proto = bytes.coin();
  const std::string file = bytes.rest();
  nq::fuzz::refuse_or([&] { is_proto ? check_proto(file) : check_npy(file); });
  return 0;
}
