#include "pipeline/calibration_estimate.hpp"

#include <algorithm>
#include <vector>

#include "core/check.hpp"
#include "core/file_mapping.hpp"
#include "core/log.hpp"
#include "core/memory_limit.hpp"
#include "core/stopwatch.hpp"
#include "graph/graph_walk.hpp"
#include "kernels/gemm.hpp"
#include "nq/threads.hpp"
#include "pipeline/site_observer.hpp"

namespace nq {
namespace {

/// Work of the search of method best per sampled row of a layer, in products with its weight and with a square matrix
/// over its inputs. Fitted to ViT-Ti, ViT-S and ViT-B on 24 and more images, as is what a network's other operators and
/// the statistics add to the time of its products.
constexpr double kWeightPasses = 12;
constexpr double kSquarePasses = 1.8;
constexpr double kForwardOverProducts = 1.7;

/// What the process is without any model: code, libraries, buffers.
constexpr std::uint64_t kProgramBytes = std::uint64_t{21} << 20;
constexpr std::int64_t kImagesInFlight = 32;  ///< two batches
constexpr double kWeightCopies = 4;  ///< that every search makes of the weight of its layer
/// Of the constants, in a model that is written in part and planned: the file's and the plan's.
constexpr double kWrittenCopies = 2.5;

/// Multiply-accumulates of a product: elements of the result times the depth of the sum.
std::int64_t macs_of(const TypedGraph& typed, const Node& node) {
  const Shape& out = typed.type(node.outputs.front()).shape;
  const Shape& a = typed.type(node.inputs[0]).shape;
  const Shape& b = typed.type(node.inputs[1]).shape;
  if (node.op_type == "Conv") return b[0] == 0 ? 0 : out.elements() * (b.elements() / b[0]);
  const bool transposed = node.op_type == "Gemm" && attr_int(node, "transA", 0) != 0;
  return out.elements() * (transposed ? a[0] : a.back());
}

/// Weights of products as the plan packs them.
std::uint64_t packed_weight_bytes(const TypedGraph& typed) {
  std::uint64_t bytes = 0;
  for (const NodeId id : typed.graph.order()) {
    const Node& node = typed.graph.node(id);
    const Tensor* const weight = is_product(node) ? typed.graph.constant(node.inputs[1]) : nullptr;
    if (weight != nullptr) bytes += static_cast<std::uint64_t>(weight->elements()) * sizeof(float);
  }
  return bytes;
}

/// Constants as the file holds them; those of a mapped file are there only while they are read, and count when `mapped`.
std::uint64_t constant_bytes(const TypedGraph& typed, bool mapped) {
  std::uint64_t bytes = 0;
  for (std::size_t value = 0; value < typed.graph.num_values(); ++value) {
    const Tensor* const constant = typed.graph.constant({static_cast<std::int32_t>(value)});
    if (constant == nullptr || (!mapped && in_mapped_file({constant->data(), constant->bytes()}))) continue;
    bytes += constant->bytes();
  }
  return bytes;
}

/// `count` images as the network takes them.
std::uint64_t image_bytes(const TypedGraph& typed, std::int64_t count) {
  std::int64_t largest = 0;
  for (const ValueId input : typed.graph.inputs) {
    const Shape& shape = typed.type(input).shape;
    if (shape.rank() > 0) largest = std::max(largest, shape.elements() / std::max<std::int64_t>(shape[0], 1));
  }
  return static_cast<std::uint64_t>(count * largest) * sizeof(float);
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

/// Copies that a method's search makes: of the rows of its layer, of its outputs on them, square matrices over its inputs,
/// and weight codes that it leaves in the recipe. Measured; a method that is not listed searches scales and noise.
struct SearchCopies {
  double rows = 2.5;
  double outputs = 1.5;
  double squares = 0;
  double codes = 0;
};

SearchCopies copies_of(const std::string& method) {
  if (method == "minmax" || method == "percentile") return {2, 1, 0, 0};
  if (method == "best") return {2.8, 1, 4, 1};
  return {};
}

std::uint64_t search_bytes(const SiteGroup& group, std::int64_t rows, const SearchCopies& copies) {
  const auto in = static_cast<double>(group.c_in());
  const auto out = static_cast<double>(group.c_out());
  const double floats = static_cast<double>(rows) * (copies.rows * in + copies.outputs * out) + kWeightCopies * in * out;
  return static_cast<std::uint64_t>(floats * sizeof(float) + copies.squares * in * in * sizeof(double));
}

/// Weight codes that a group leaves in the recipe.
std::uint64_t code_bytes(const SiteGroup& group, const SearchCopies& copies) {
  return static_cast<std::uint64_t>(copies.codes * static_cast<double>(group.c_in() * group.c_out()) * sizeof(WeightCode));
}

/// Bytes of the sampled rows of a group, with what is known of each.
std::uint64_t kept_bytes(const SiteGroup& group, const SampledRows& sampled) {
  const auto rows = static_cast<std::uint64_t>(SiteObserver::most_rows(sampled.capacity, sampled.tokens, sampled.read_tokens));
  return rows * (static_cast<std::uint64_t>(group.c_in()) * sizeof(float) + sizeof(RowReservoir::Entry));
}

std::uint64_t search_bytes(const SiteGroup& group, const SampledRows& sampled, const std::string& method) {
  const std::int64_t kept = SiteObserver::most_rows(sampled.capacity, sampled.tokens, sampled.read_tokens);
  return search_bytes(group, std::min(kept, sampled.tokens), copies_of(method));
}

/// What a group holds before, during and after its search.
struct SearchPhases {
  std::uint64_t samples = 0;
  std::uint64_t search = 0;
  std::uint64_t codes = 0;
};

/// What the searches take at most, one per thread, with the samples that wait for theirs and the codes that others left;
/// `groups` are in the order of the searches.
std::uint64_t largest_search(const std::vector<SearchPhases>& groups) {
  const std::size_t threads = std::min(groups.size(), static_cast<std::size_t>(num_threads()));
  std::uint64_t largest = 0;
  for (std::size_t first = 0; first + threads <= groups.size(); ++first) {
    std::uint64_t bytes = 0;
    for (std::size_t at = 0; at < groups.size(); ++at) {
      bytes += at < first ? groups[at].codes : at < first + threads ? groups[at].search : groups[at].samples;
    }
    largest = std::max(largest, bytes);
  }
  return largest;
}

/// What stays from begin to end of the pass over the images.
CalibrationEstimate lasting_memory(const TypedGraph& typed, std::size_t arena_bytes) {
  CalibrationEstimate estimate;
  estimate.weight_bytes = packed_weight_bytes(typed);
  estimate.arena_bytes = arena_bytes * static_cast<std::size_t>(num_threads());
  estimate.other_bytes = kProgramBytes + constant_bytes(typed, false);
  return estimate;
}

}  // namespace

CalibrationEstimate estimate_memory(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                    const std::function<SampledRows(std::size_t)>& rows, const std::string& method,
                                    std::size_t arena_bytes) {
  CalibrationEstimate estimate = lasting_memory(typed, arena_bytes);
  estimate.other_bytes += image_bytes(typed, kImagesInFlight) + std::min(image_bytes(typed, kMostComparedImages), kMostKeptPixelBytes);
  std::vector<SearchPhases> phases;
  for (const std::size_t index : search_order(groups)) {
    const SampledRows sampled = rows(index);
    const SiteGroup& group = groups[index];
    phases.push_back({kept_bytes(group, sampled), search_bytes(group, sampled, method), code_bytes(group, copies_of(method))});
    estimate.sample_bytes += phases.back().samples;
  }
  const std::uint64_t observed = estimate.sample_bytes + estimate.weight_bytes + estimate.arena_bytes;
  const std::uint64_t searched = largest_search(phases);
  estimate.search_bytes = searched > observed ? searched - observed : 0;
  return estimate;
}

CalibrationEstimate estimate_propagated_memory(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                               const std::function<SampledRows(std::size_t)>& rows, const std::string& method,
                                               std::size_t arena_bytes, std::int64_t images) {
  CalibrationEstimate estimate = lasting_memory(typed, arena_bytes);
  estimate.other_bytes += image_bytes(typed, images);
  std::uint64_t search = 0;
  for (std::size_t index = 0; index < groups.size(); ++index) {
    const SampledRows sampled = rows(index);
    estimate.sample_bytes = std::max(estimate.sample_bytes, kept_bytes(groups[index], sampled));
    search = std::max(search, search_bytes(groups[index], sampled, method));
  }
  // The model written so far is let go before the search begins: the larger of the two counts.
  const auto written = static_cast<std::uint64_t>(kWrittenCopies * static_cast<double>(constant_bytes(typed, true)));
  const std::uint64_t running = written + estimate.weight_bytes + estimate.arena_bytes;
  estimate.other_bytes += written;
  estimate.search_bytes = search > running ? search - running : 0;
  return estimate;
}

void check_available_memory(const CalibrationEstimate& estimate, const std::string& instead) {
  const std::uint64_t held = resident_bytes();
  const std::uint64_t needed = estimate.memory_bytes() > held ? estimate.memory_bytes() - held : 0;
  log_info("calibrating takes about {} MiB of memory, {} of it samples", estimate.memory_bytes() >> 20, estimate.sample_bytes >> 20);
  const std::uint64_t available = available_memory().value_or(UINT64_MAX);
  if (needed <= available) return;
  // Half of what is left: the estimate is near and the heap is not packed.
  const std::uint64_t others = needed > estimate.sample_bytes ? needed - estimate.sample_bytes : 0;
  const std::uint64_t fits = available > others ? (available - others) / 2 >> 20 : 0;
  throw Error(ErrorKind::resource,
              fmt::format("calibrating needs about {} MiB more memory, {} MiB are left", needed >> 20, available >> 20),
              fits > 0 ? fmt::format("--max-memory {}M would fit", fits)
                       : "no --max-memory would fit: " + instead + ", or lift the limit");
}

CalibrationEstimate estimate_calibration(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                         std::size_t arena_bytes) {
  CalibrationEstimate estimate =
      estimate_memory(typed, groups, [](std::size_t) { return SampledRows{SiteObserver::kMostCapacity}; }, CalibrationOptions().method, arena_bytes);
  for (const NodeId id : typed.graph.order()) {
    if (is_product(typed.graph.node(id))) estimate.macs_per_image += macs_of(typed, typed.graph.node(id));
  }
  const auto threads = static_cast<std::uint64_t>(num_threads());
  double search_macs = 0;
  for (const SiteGroup& group : groups) {
    const auto width = static_cast<double>(group.c_in());
    search_macs += static_cast<double>(SiteObserver::kMostCapacity) * width *
                   (kSquarePasses * width + kWeightPasses * static_cast<double>(group.c_out()));
  }
  estimate.sample_bytes = std::min(estimate.sample_bytes, CalibrationOptions().max_sample_bytes);
  const double speed = measured_speed() * static_cast<double>(threads);
  estimate.forward_s_per_image = kForwardOverProducts * static_cast<double>(estimate.macs_per_image) / speed;
  estimate.search_s = search_macs / speed;
  return estimate;
}

}  // namespace nq
