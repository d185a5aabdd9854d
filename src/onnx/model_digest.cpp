#include "onnx/model_digest.hpp"

#include "core/hash.hpp"
#include "onnx/external_visit.hpp"
#include "onnx/save_model.hpp"

namespace nq {

std::string model_sha256(const onnx::ModelProto& proto, std::string_view bytes, const ExternalData& external) {
  const std::set<std::string> files = external_files(proto);
  if (files.empty()) return sha256_hex(bytes);
  std::string digests = sha256_hex(bytes);
  for (const std::string& file : files) digests += external.sha256(file);
  return sha256_hex(digests);
}

std::string content_digest(const onnx::ModelProto& proto, const ExternalData& external) {
  onnx::ModelProto skeleton = proto;
  visit_tensors(*skeleton.mutable_graph(), [&external](onnx::TensorProto& tensor) {
    if (tensor.data_type() == onnx::TensorProto::STRING) return;
    onnx::TensorProto digest;
    digest.set_name(tensor.name());
    digest.set_doc_string(tensor.doc_string());
    digest.set_data_type(tensor.data_type());
    *digest.mutable_dims() = tensor.dims();
    const Tensor elements = tensor_from_proto(tensor, nullptr, external);
    digest.set_raw_data(sha256_hex(tensor_to_proto(elements, tensor.name()).raw_data()));
    tensor = std::move(digest);
  });
  return sha256_hex(serialize_proto(skeleton));
}

}  // namespace nq
