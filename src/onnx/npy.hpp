#pragma once

#include <string>
#include <string_view>

#include "nq/tensor.hpp"

namespace nq {

/// Decodes the numpy .npy format (numpy/lib/format: magic, version, header dictionary, data).
/// Throws Error(input) on anything but a little-endian C-order array of a supported type.
Tensor parse_npy(std::string_view bytes);

/// Version 1.0 file of the tensor. Throws Error(usage) for types that numpy lacks.
std::string format_npy(const Tensor& tensor);

}  // namespace nq
