#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "nq/tensor.hpp"
#include "pipeline/row_reservoir.hpp"

namespace nq {

/// What calibration keeps of one group's input; ready for a method.
struct SiteStatistics {
  std::int64_t rows = 0;
  std::vector<float> samples;      ///< [rows, c_in]
  std::vector<float> row_weight;   ///< [rows]; tokens that each row stands for
  std::vector<float> channel_min;  ///< [c_in], over all tokens
  std::vector<float> channel_max;  ///< [c_in]
  std::int64_t tokens = 0;
};

/// Streams token rows into bounded statistics.
///
/// Rows are kept by two rules: `capacity` rows chosen uniformly by a hash of image and position,
/// and capacity / 8 rows with the largest magnitudes, which decide the clipping and must not be
/// missed. Below `capacity` tokens every row is kept. The result depends on the set of images
/// alone, not on their order, the batch or the threads; observe() may be called concurrently.
class SiteObserver {
 public:
  SiteObserver(std::int64_t c_in, std::int64_t capacity);

  /// rows: [n, c_in] of one image; image_key identifies the image.
  void observe(const MatrixView& rows, std::uint64_t image_key);

  SiteStatistics finish() const;

  /// Bytes that the samples of one observer may take.
  static std::uint64_t sample_bytes(std::int64_t c_in, std::int64_t capacity);

 private:
  std::mutex mutex_;
  std::int64_t c_in_;
  RowReservoir uniform_;
  RowReservoir extreme_;
  std::vector<float> channel_min_;
  std::vector<float> channel_max_;
  std::int64_t tokens_ = 0;
};

}  // namespace nq
