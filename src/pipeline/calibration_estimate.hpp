#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "nq/inspect.hpp"
#include "nq/typed_graph.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// Of preprocessed images, the bytes that a pass keeps at most for the comparison with the written model.
inline constexpr std::uint64_t kMostKeptPixelBytes = std::uint64_t{32} << 20;

/// What calibrating `groups` with the default options would take. Times one product of a fixed size on
/// this machine, which takes some milliseconds.
CalibrationEstimate estimate_calibration(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                         std::size_t arena_bytes);

/// What the sampling rules choose from: `capacity` rows by the uniform rule, of `tokens` in all, of which the output reads
/// `read_tokens`.
struct SampledRows {
  std::int64_t capacity = 0;
  std::int64_t tokens = INT64_MAX;
  std::int64_t read_tokens = INT64_MAX;
};

/// The bytes of an estimate: samples of `groups` of which each has rows(its index), searches by `method`, and
/// activations of `arena_bytes` per thread.
CalibrationEstimate estimate_memory(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                    const std::function<SampledRows(std::size_t)>& rows, const std::string& method,
                                    std::size_t arena_bytes);

/// The same for a calibration layer by layer, on what the file written so far makes: `images` of them stay in memory, the model
/// is written and planned anew for every group, and one group is sampled and searched at a time.
CalibrationEstimate estimate_propagated_memory(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                               const std::function<SampledRows(std::size_t)>& rows, const std::string& method,
                                               std::size_t arena_bytes, std::int64_t images);

/// Logs the estimate. Throws Error(resource), with what would fit, when the process may not take as much
/// (available_memory()); `instead` says what to try when no limit on samples would help.
void check_available_memory(const CalibrationEstimate& estimate, const std::string& instead);

}  // namespace nq
