#pragma once

#include <string>

#include "nq/graph.hpp"

namespace nq {

/// "float32 [batch,3,224,224]"; '?' for a dimension without a name.
std::string type_text(const DeclaredType& type);

}  // namespace nq
