#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "core/files.hpp"
#include "nq/attention_site.hpp"
#include "pipeline/byte_source.hpp"
#include "pipeline/row_reservoir.hpp"
#include "quant/attention_samples.hpp"

namespace nq {

/// The four values of an attention that calibration looks at.
enum class AttentionPart { queries, keys, probabilities, values };

/// Sizes of one attention and of what is kept of it.
struct ProductLayout {
  std::int64_t slices = 0;  ///< heads and windows of one image
  std::int64_t heads = 1;
  std::int64_t queries = 0, rows = 0, keys = 0, dim = 0, v_dim = 0;
  std::int64_t capacity = 0;     ///< instances kept
  std::optional<float> factor;  ///< of the scores on their way to the Softmax

  bool operator==(const ProductLayout&) const = default;
  /// Values of one instance, by AttentionPart.
  std::array<std::int64_t, 4> part_sizes() const noexcept {
    return {rows * dim, keys * dim, rows * keys, keys * v_dim};
  }
};

/// Layout of an attention whose samples may take `budget` bytes. Throws Error(unsupported) when the operands are not one
/// matrix per head, Error(resource) when the budget is too small.
ProductLayout product_layout(const TypedGraph& typed, const AttentionSite& site, std::int64_t plan_batch,
                             std::uint64_t budget);

/// Streams whole heads of single images into bounded statistics of one attention.
///
/// Which heads are kept is decided by a hash of image, window and head alone, so that the result
/// depends on the set of images and not on their order, the batch or the threads; observe() may be
/// called concurrently.
class ProductObserver {
 public:
  explicit ProductObserver(const ProductLayout& layout);

  /// One part of `count` images of the plan's batch, in their order; keys as K^T.
  void observe(AttentionPart part, const TensorView& value, std::span<const std::uint64_t> image_keys);

  AttentionSamples finish() const;

  std::uint64_t sample_bytes() const noexcept;
  const ProductLayout& layout() const noexcept { return layout_; }

  /// The parts of one instance, by AttentionPart.
  using Instance = std::array<const float*, 4>;
  /// Every kept instance by its key; refers to the observer's memory.
  std::map<std::uint64_t, Instance> kept() const;
  /// Offers an instance that another observer of the same layout kept.
  void keep(std::uint64_t key, const Instance& instance);

  /// What is known of all images, kept or not.
  struct Totals {
    ChannelRange q, k, v;
    float p_max = 0;
    std::int64_t rows_seen = 0;  ///< query rows of all images and heads
  };
  const Totals& totals() const noexcept { return totals_; }
  void add(const Totals& totals);

  /// Writes what was observed; load() adds it to an observer of the same attention and budget. The same
  /// observations give the same bytes. load() throws Error(input) when the bytes end early or do not fit.
  void save(AtomicFile& file) const;
  void load(ByteSource& bytes);

 private:
  RowReservoir& reservoir(AttentionPart part) { return parts_[static_cast<std::size_t>(part)]; }
  void observe_slice(AttentionPart part, const float* slice, std::uint64_t key, std::int64_t head);
  void note_range(ChannelRange& range, const float* rows, std::int64_t count, std::int64_t dim,
                  std::int64_t head) const;
  /// Query row that sample row `row` takes: the first, a class token's place, is always among them.
  std::int64_t query_of(std::int64_t row) const noexcept { return row * layout_.queries / layout_.rows; }

  std::mutex mutex_;
  ProductLayout layout_;
  std::vector<RowReservoir> parts_;  ///< by AttentionPart
  Totals totals_;
};

}  // namespace nq
