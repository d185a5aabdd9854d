#pragma once

#include <filesystem>
#include <string>

#include "onnx/model_impl.hpp"

namespace nq {

/// Largest model that is written as one file; beyond it weights go to a file beside the model.
inline constexpr std::uint64_t kMaxSingleFileBytes = std::uint64_t{512} << 20;

/// Deterministic serialization. Throws Error(resource) above 2 GiB.
std::string serialize_proto(const onnx::ModelProto& proto);

/// Writes the model under a temporary name, then renames it. The bytes of external data are taken along: into the
/// file, or, when model and data are larger than `max_single_file`, into `<file name>.data` beside it.
void save_model(const ModelFile::Impl& impl, const std::filesystem::path& path,
                std::uint64_t max_single_file = kMaxSingleFileBytes);

}  // namespace nq
