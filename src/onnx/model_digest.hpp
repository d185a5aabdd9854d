#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/file_mapping.hpp"
#include "onnx/tensor_proto.hpp"

namespace nq {

/// Lower-case hex SHA-256 of a model and of its external data, computed when first asked for:
/// hashing takes longer than loading.
class ModelDigest {
 public:
  using Compute = std::function<std::string()>;
  explicit ModelDigest(Compute compute) : compute_(std::move(compute)) {}

  const std::string& hex() const {
    std::call_once(once_, [this] { hex_ = compute_(); });
    return hex_;
  }

 private:
  Compute compute_;
  mutable std::once_flag once_;
  mutable std::string hex_;
};

/// Digest of the bytes that `proto` was parsed from: of them alone, or with external data of the
/// digests of model and data files. Throws Error(input) when a data file is missing.
std::string model_sha256(const onnx::ModelProto& proto, std::string_view bytes, const ExternalData& external);

/// Digest of the deterministic serialization in which every tensor stands as its type, its shape and the digest of its
/// elements. Throws Error(input) when a data file is missing.
std::string content_digest(const onnx::ModelProto& proto, const ExternalData& external);

}  // namespace nq
