#include "exec/fusion/fuse.hpp"

#include <array>

#include "graph/passes/passes.hpp"

namespace nq {
namespace {

constexpr std::array kPasses = {fuse_layer_norm,  fuse_gelu,    fuse_patch_embed,
                                fuse_attention, fuse_quantized_product, fuse_product};

}  // namespace

void fuse(TypedGraph& typed, const std::vector<bool>& pinned) {
  FusionGraph graph(typed, pinned);
  for (const auto pass : kPasses) {
    pass(graph);
    graph.refresh();
  }
}

}  // namespace nq
