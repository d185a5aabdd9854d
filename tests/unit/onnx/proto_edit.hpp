#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <string>

#include "nq/model_file.hpp"

namespace nq::test {

/// The model after a change of its proto, for what ONNX text cannot say.
inline ModelFile with_proto(const ModelFile& model, const std::function<void(onnx::ModelProto&)>& change,
                            const std::filesystem::path& folder = {}) {
  onnx::ModelProto proto;
  proto.ParseFromString(model.serialize());
  change(proto);
  return ModelFile::parse(proto.SerializeAsString(), folder);
}

inline onnx::ModelProto proto_of(const ModelFile& model) {
  onnx::ModelProto proto;
  proto.ParseFromString(model.serialize());
  return proto;
}

}  // namespace nq::test
