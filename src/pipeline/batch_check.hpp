#pragma once

#include <cstdint>

#include "nq/graph.hpp"
#include "nq/image_input.hpp"

namespace nq {

/// The batch that a model with an open batch must be planned with: 0 when any will do.
///
/// An exporter may leave the traced batch in constant shapes; then a Reshape cuts other batches into
/// pieces of several images, and nothing fails. Shapes at batches of one and two show where an
/// image loses its place; running the model on two images decides. Throws Error(unsupported)
/// naming the node when no batch keeps the images apart.
std::int64_t baked_batch(const Graph& graph, const ImageInput& input);

}  // namespace nq
