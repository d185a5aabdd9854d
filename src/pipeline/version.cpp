#include "nq/version.hpp"

namespace nq {

std::string_view version() noexcept { return NQ_VERSION; }

}  // namespace nq
