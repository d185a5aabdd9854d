#pragma once

#include <string_view>

namespace nq {

/// Semantic version of this build, "0.1.0".
std::string_view version() noexcept;

}  // namespace nq
