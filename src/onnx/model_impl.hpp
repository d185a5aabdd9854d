#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <memory>
#include <string>

#include "nq/model_file.hpp"
#include "onnx/model_digest.hpp"
#include "onnx/tensor_proto.hpp"

namespace nq {

struct ModelFile::Impl {
  onnx::ModelProto proto;
  std::filesystem::path path;
  ExternalData external{std::filesystem::path{}};
  std::shared_ptr<const ModelDigest> digest;
};

/// Most nodes one model may have after inlining; far above any real network.
inline constexpr int kMaxNodes = 1 << 20;

/// Expands every call of a local function in place, nested calls and subgraphs included. Names
/// inside a call get the call's name as prefix. Throws Error(input) on recursion, Error(resource)
/// above kMaxNodes, Error(unsupported) when a function imports another opset than the model.
void inline_functions(onnx::ModelProto& model);

/// Sets one entry of metadata_props, in place of one with the same key.
void set_metadata_entry(onnx::ModelProto& model, const std::string& key, const std::string& value);

/// Digest of a model that was made here, over its serialization; `model` must outlive it.
std::shared_ptr<const ModelDigest> digest_of(const onnx::ModelProto& model);

/// Version that `model` imports for a domain ("" and "ai.onnx" are the same), or 0.
int imported_opset(const onnx::ModelProto& model, std::string_view domain);

}  // namespace nq
