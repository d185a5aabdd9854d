#pragma once

#include <cstdint>
#include <mutex>

#include "core/files.hpp"
#include "nq/attention_site.hpp"
#include "pipeline/byte_source.hpp"
#include "pipeline/row_reservoir.hpp"
#include "quant/attention_samples.hpp"

namespace nq {

/// The four values of an attention that calibration looks at.
enum class AttentionPart { queries, keys, probabilities, values };

/// Streams whole heads of single images into bounded statistics of one attention.
///
/// Which heads are kept is decided by a hash of image, window and head alone, so that the result
/// depends on the set of images and not on their order, the batch or the threads; observe() may be
/// called concurrently.
class ProductObserver {
 public:
  ProductObserver(const TypedGraph& typed, const AttentionSite& site, std::int64_t plan_batch,
                  std::uint64_t budget);

  /// One part of `count` images of the plan's batch, in their order; keys as K^T.
  void observe(AttentionPart part, const TensorView& value, std::span<const std::uint64_t> image_keys);

  AttentionSamples finish() const;

  std::uint64_t sample_bytes() const noexcept;

  /// Writes what was observed; load() adds it to an observer of the same attention and budget. The same
  /// observations give the same bytes. load() throws Error(input) when the bytes end early or do not fit.
  void save(AtomicFile& file) const;
  void load(ByteSource& bytes);

 private:
  struct Shapes {
    std::int64_t slices = 0;  ///< heads and windows of one image
    std::int64_t heads = 1;
    std::int64_t queries = 0, rows = 0, keys = 0, dim = 0, v_dim = 0;
  };
  /// Calls use(reservoir, floats of a row) and use(range) for every part of an observer, in a fixed order.
  template <typename Self, typename Use>
  static void for_each_part(Self& self, Use&& use);
  void observe_slice(AttentionPart part, const float* slice, std::uint64_t key, std::int64_t head);
  void note_range(ChannelRange& range, const float* rows, std::int64_t count, std::int64_t dim,
                  std::int64_t head) const;
  /// Query row that sample row `row` takes: the first, a class token's place, is always among them.
  std::int64_t query_of(std::int64_t row) const noexcept { return row * shapes_.queries / shapes_.rows; }

  std::mutex mutex_;
  Shapes shapes_;
  std::optional<float> factor_;
  std::int64_t capacity_ = 0;
  RowReservoir q_, k_, p_, v_;
  ChannelRange q_range_, k_range_, v_range_;
  float p_max_ = 0;
};

}  // namespace nq
