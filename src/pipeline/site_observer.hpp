#pragma once

#include <cstdint>
#include <mutex>
#include <utility>
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
  std::vector<std::uint8_t> held_out;  ///< [rows]; 1 for rows of the images that only judge
  std::vector<float> channel_min;  ///< [c_in], over all tokens
  std::vector<float> channel_max;  ///< [c_in]
  std::int64_t tokens = 0;
};

/// Streams token rows into bounded statistics.
///
/// Rows are kept by three rules: `capacity` rows chosen uniformly by a hash of image and position;
/// capacity / 8 rows with the largest magnitudes, which decide the clipping and must not be missed;
/// and up to capacity / 16 rows of tokens that the model's output reads directly, which are few and
/// matter most. Below `capacity` tokens every row is kept. The result depends on the set of images
/// alone, not on their order, the batch or the threads; observe() may be called concurrently.
class SiteObserver {
 public:
  /// Largest useful `capacity`: no search works on more rows.
  static constexpr std::int64_t kMostCapacity = 3072;

  /// `readout` marks the rows of one image whose token the output reads; empty for none.
  SiteObserver(std::int64_t c_in, std::int64_t capacity, std::vector<std::uint8_t> readout = {});

  /// Lets observe() pass over the rows that a uniform choice among `tokens` or more in all cannot keep: those whose hash lies
  /// beyond what `capacity` of them take, with a margin of ten standard deviations. For speed; what is kept stays the same.
  void expect(std::int64_t tokens);

  /// rows: [n, c_in] of one image; image_key identifies the image.
  void observe(const MatrixView& rows, std::uint64_t image_key);

  SiteStatistics finish() const;

  /// One kept row, with the rules that keep it.
  struct KeptRow {
    const float* row = nullptr;
    std::uint8_t tag = 0;    ///< what is known of the row
    std::uint8_t rules = 0;  ///< a bit per rule
  };
  /// By their keys, in rising order.
  using KeptRows = std::vector<std::pair<std::uint64_t, KeptRow>>;
  /// Every kept row; refers to the observer's memory.
  KeptRows kept_rows() const;
  /// Offers a row that another observer kept, by the rules that kept it there.
  void keep(std::uint64_t key, const KeptRow& row);

  /// What is known of all tokens, kept or not.
  struct Totals {
    std::vector<float> channel_min;  ///< [c_in]
    std::vector<float> channel_max;
    std::int64_t tokens = 0;
    std::int64_t read_tokens = 0;
  };
  const Totals& totals() const noexcept { return totals_; }
  void add(const Totals& totals);

  std::int64_t c_in() const noexcept { return c_in_; }
  const std::vector<std::uint8_t>& readout() const noexcept { return readout_; }

  /// Rows that the rules keep at most together, of `tokens` in all of which the output reads `read_tokens`.
  static std::int64_t most_rows(std::int64_t capacity, std::int64_t tokens = INT64_MAX, std::int64_t read_tokens = INT64_MAX);

  /// Bytes that the samples of one observer may take.
  static std::uint64_t sample_bytes(std::int64_t c_in, std::int64_t capacity);

 private:
  static Totals no_tokens(std::int64_t c_in);

  std::mutex mutex_;
  std::int64_t c_in_;
  std::int64_t capacity_;
  std::uint64_t last_key_ = UINT64_MAX;  ///< rows with higher keys are no part of the uniform choice
  RowReservoir uniform_;
  RowReservoir extreme_;
  RowReservoir read_;
  std::vector<std::uint8_t> readout_;
  Totals totals_;
};

}  // namespace nq
