#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <memory>
#include <string>

#include "nq/tensor.hpp"

namespace nq {

class FileMapping;

/// Element type of TensorProto.DataType code. Throws Error(unsupported) naming it.
DType dtype_from_onnx(int data_type);
int dtype_to_onnx(DType dtype);

/// Where the bytes of external tensors come from.
class ExternalData {
 public:
  /// Data files must lie inside `folder`, symbolic links resolved.
  explicit ExternalData(std::filesystem::path folder);

  struct Bytes {
    std::shared_ptr<const void> owner;
    const std::byte* data = nullptr;
    std::size_t size = 0;
  };
  /// Bytes of `tensor` (data_location EXTERNAL), memory-mapped. Throws Error(input).
  Bytes read(const onnx::TensorProto& tensor, std::size_t expected_bytes) const;
  /// Lower-case hex SHA-256 of the file at a location: of the bytes that read() hands out. Throws Error(input) when the file
  /// was written to since it was first read.
  std::string sha256(const std::string& location) const;
  /// The checked absolute path of a location entry.
  std::filesystem::path resolve(const std::string& location) const;

  const std::filesystem::path& folder() const noexcept { return folder_; }

 private:
  struct Files;
  std::shared_ptr<const FileMapping> map(const std::string& location) const;

  std::filesystem::path folder_;
  std::shared_ptr<Files> files_;
};

/// Decodes a tensor. Raw bytes are aliased when aligned; `owner` keeps the proto alive.
/// Throws Error(input) naming the tensor on inconsistent sizes or negative dimensions.
Tensor tensor_from_proto(const onnx::TensorProto& proto, const std::shared_ptr<const void>& owner,
                         const ExternalData& external);

/// Encodes as raw_data (sub-byte types packed, low nibble first).
onnx::TensorProto tensor_to_proto(const Tensor& tensor, const std::string& name);

}  // namespace nq
