#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nq/executor.hpp"
#include "nq/model_file.hpp"
#include "nq/progress.hpp"

namespace nq {

struct BenchOptions {
  std::int64_t batch = 1;            ///< images per run
  int repeat = 7;                    ///< measured runs
  int warmup = 2;                    ///< runs before them that are not measured
  std::uint64_t seed = 0;            ///< of the normally distributed input
  std::optional<Shape> input_shape;  ///< of the image input, when the model leaves it open
  KernelChoice kernels = KernelChoice::automatic;
};

/// Wall time of repeated inference on one random batch.
struct BenchReport {
  std::int64_t batch = 0;
  std::vector<double> run_ms;  ///< milliseconds per batch, ascending; at least one

  double median_ms() const;
  double min_ms() const { return run_ms.front(); }
  /// Smallest time that 90 % of the runs do not exceed.
  double p90_ms() const;
  /// Images per second at the median.
  double images_per_s() const { return 1000.0 * static_cast<double>(batch) / median_ms(); }
};

/// Times inference as evaluate() runs it: planning and decoding are left out. Throws Error(usage) on
/// a count below one, Error(unsupported) when the model takes no images.
BenchReport bench(const ModelFile& model, const BenchOptions& options, Progress& progress);

}  // namespace nq
