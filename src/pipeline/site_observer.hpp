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
  std::vector<std::uint8_t> readout;  ///< [rows]; 1 for tokens that the output reads; or empty
  std::vector<float> channel_min;  ///< [c_in], over all tokens
  std::vector<float> channel_max;  ///< [c_in]
  std::int64_t tokens = 0;
};

/// Streams token rows into bounded statistics.
///
/// Rows are kept by three rules: `capacity` rows chosen uniformly by a hash of image and position;
/// capacity / 8 rows with the largest magnitudes, which decide the clipping and must not be missed;
/// and up to capacity / 8 rows of tokens that the model's output reads directly, which are few and
/// matter most. Below `capacity` tokens every row is kept. The result depends on the set of images
/// alone, not on their order, the batch or the threads; observe() may be called concurrently.
class SiteObserver {
 public:
  /// `readout` marks the rows of one image whose token the output reads; empty for none.
  SiteObserver(std::int64_t c_in, std::int64_t capacity, std::vector<std::uint8_t> readout = {});

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
  RowReservoir read_;
  std::vector<std::uint8_t> readout_;
  std::vector<float> channel_min_;
  std::vector<float> channel_max_;
  std::int64_t tokens_ = 0;
  std::int64_t read_tokens_ = 0;
};

}  // namespace nq
