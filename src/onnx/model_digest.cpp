#include "onnx/model_digest.hpp"

#include "core/hash.hpp"
#include "onnx/external_visit.hpp"

namespace nq {

std::string model_sha256(const onnx::ModelProto& proto, std::string_view bytes, const ExternalData& external) {
  const std::set<std::string> files = external_files(proto);
  if (files.empty()) return sha256_hex(bytes);
  std::string digests = sha256_hex(bytes);
  for (const std::string& file : files) digests += sha256_file(external.resolve(file));
  return sha256_hex(digests);
}

}  // namespace nq
