#pragma once

#include <filesystem>

#include "nq/tensor.hpp"

namespace nq {

/// Reads one tensor: `.npy` (format 1 to 3, C order, little endian) or an ONNX TensorProto `.pb`.
/// Throws Error(input) naming the file, Error(usage) on another extension.
Tensor load_tensor(const std::filesystem::path& path);

/// Writes one tensor in the format of the extension, atomically. Types that numpy lacks are
/// refused for `.npy` with Error(usage).
void save_tensor(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace nq
