#include "pipeline/calibration_estimate.hpp"

#include <algorithm>
#include <vector>

#include "core/stopwatch.hpp"
#include "graph/graph_walk.hpp"
#include "kernels/gemm.hpp"
#include "nq/threads.hpp"
#include "pipeline/site_observer.hpp"

namespace nq {
namespace {

constexpr std::int64_t kRowsPerSite = 8192;
/// Work of the search per sampled row of a layer, in products with its weight and with a square matrix over
/// its inputs; the order of magnitude of method best.
constexpr double kWeightPasses = 40;
constexpr double kSquarePasses = 6;

/// Multiply-accumulates of a product: elements of the result times the depth of the sum.
std::int64_t macs_of(const TypedGraph& typed, const Node& node) {
  const Shape& out = typed.type(node.outputs.front()).shape;
  const Shape& a = typed.type(node.inputs[0]).shape;
  const Shape& b = typed.type(node.inputs[1]).shape;
  if (node.op_type == "Conv") return b[0] == 0 ? 0 : out.elements() * (b.elements() / b[0]);
  const bool transposed = node.op_type == "Gemm" && attr_int(node, "transA", 0) != 0;
  return out.elements() * (transposed ? a[0] : a.back());
}

/// Multiply-accumulates per second of one thread, in a product that fits the caches.
double measured_speed() {
  constexpr std::int64_t kSize = 256;
  const std::vector<float> values(kSize * kSize, 0.5F);
  std::vector<float> result(kSize * kSize);
  const auto matrix = kernels::StridedMatrix::dense(values.data(), kSize, kSize);
  const kernels::PackedMatrix packed(matrix);
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    const Stopwatch watch;
    kernels::gemm_serial(matrix, packed.data(), kSize, result.data(), kSize);
    best = std::min(best, watch.seconds());
  }
  return static_cast<double>(kSize * kSize * kSize) / std::max(best, 1e-9);
}

}  // namespace

CalibrationEstimate estimate_calibration(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                         std::size_t arena_bytes) {
  CalibrationEstimate estimate;
  for (const NodeId id : typed.graph.order()) {
    const Node& node = typed.graph.node(id);
    if (!is_product(node)) continue;
    estimate.macs_per_image += macs_of(typed, node);
    if (const Tensor* weight = typed.graph.constant(node.inputs[1])) {
      estimate.weight_bytes += static_cast<std::uint64_t>(weight->elements()) * sizeof(float);
    }
  }
  const auto threads = static_cast<std::uint64_t>(num_threads());
  estimate.arena_bytes = arena_bytes * threads;
  double search_macs = 0;
  for (const SiteGroup& group : groups) {
    estimate.sample_bytes += SiteObserver::sample_bytes(group.c_in(), kRowsPerSite);
    const auto width = static_cast<double>(group.c_in());
    search_macs += static_cast<double>(kRowsPerSite) * width *
                   (kSquarePasses * width + kWeightPasses * static_cast<double>(group.c_out()));
  }
  estimate.sample_bytes = std::min(estimate.sample_bytes, CalibrationOptions().max_sample_bytes);
  const double speed = measured_speed() * static_cast<double>(threads);
  estimate.forward_s_per_image = static_cast<double>(estimate.macs_per_image) / speed;
  estimate.search_s = search_macs / speed;
  return estimate;
}

}  // namespace nq
