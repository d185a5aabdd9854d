#pragma once

#include <vector>

#include "nq/inspect.hpp"
#include "nq/typed_graph.hpp"

namespace nq {

/// What a network is made of, found by structure; in a fixed order, absent parts left out.
std::vector<ArchitecturePart> find_architecture(const TypedGraph& typed, const SiteSearch& sites);

/// A name for the kind of network that the parts make up, such as "vision transformer".
std::string family_of(const std::vector<ArchitecturePart>& parts);

}  // namespace nq
