#include "pipeline/product_observer.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/check.hpp"
#include "core/rng.hpp"

namespace nq {
namespace {

constexpr std::int64_t kQueryRows = 16;
constexpr std::int64_t kMaxInstances = 64;
constexpr std::int64_t kMinInstances = 4;
constexpr std::int64_t kInstancesPerHead = 12;

std::int64_t slices_of(const Shape& shape) {
  std::int64_t count = 1;
  for (int axis = 0; axis + 2 < shape.rank(); ++axis) count *= shape[axis];
  return count;
}

ChannelRange empty_range(std::int64_t channels) {
  const auto size = static_cast<std::size_t>(channels);
  return {std::vector<float>(size, std::numeric_limits<float>::infinity()),
          std::vector<float>(size, -std::numeric_limits<float>::infinity())};
}

/// [rows, cols] -> [cols, rows]
std::vector<float> transposed(const float* values, std::int64_t rows, std::int64_t cols) {
  std::vector<float> result(static_cast<std::size_t>(rows * cols));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t col = 0; col < cols; ++col)
      result[static_cast<std::size_t>(col * rows + row)] = values[row * cols + col];
  }
  return result;
}

void widen(ChannelRange& range, const ChannelRange& other) {
  for (std::size_t c = 0; c < range.low.size(); ++c) {
    range.low[c] = std::min(range.low[c], other.low[c]);
    range.high[c] = std::max(range.high[c], other.high[c]);
  }
}

}  // namespace

ProductLayout product_layout(const TypedGraph& typed, const AttentionSite& site, std::int64_t plan_batch,
                             std::uint64_t budget) {
  const Shape& q = typed.type(site.scores.left).shape;
  const Shape& k = typed.type(site.scores.right).shape;
  const Shape& p = typed.type(site.values.left).shape;
  const Shape& v = typed.type(site.values.right).shape;
  const std::int64_t slices = slices_of(q);
  NQ_CHECK(slices > 0 && slices % plan_batch == 0 && slices_of(k) == slices && slices_of(v) == slices &&
               slices_of(p) == slices && q.elements() > 0 && k.elements() > 0,
           unsupported, "the operands of '{}' do not have one matrix per head", site.scores.name);
  ProductLayout layout;
  layout.slices = slices / plan_batch;
  layout.heads = q.rank() >= 4 ? q[q.rank() - 3] : layout.slices;
  layout.queries = q[q.rank() - 2];
  layout.rows = std::min(layout.queries, kQueryRows);
  layout.dim = q.back();
  layout.keys = k.back();
  layout.v_dim = v.back();
  layout.factor = site.factor;
  const auto sizes = layout.part_sizes();
  const std::int64_t instance = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  const auto fitting =
      static_cast<std::int64_t>(budget / (sizeof(float) * static_cast<std::uint64_t>(instance)));
  const std::int64_t wanted = std::clamp(kInstancesPerHead * layout.heads, std::int64_t{32}, kMaxInstances);
  layout.capacity = std::min(wanted, fitting);
  NQ_CHECK(layout.capacity >= kMinInstances, resource,
           "calibration samples of '{}' need at least {} bytes, the limit is {}", site.scores.name,
           static_cast<std::uint64_t>(instance * kMinInstances) * sizeof(float), budget);
  return layout;
}

ProductObserver::ProductObserver(const ProductLayout& layout) : layout_(layout) {
  for (const std::int64_t size : layout.part_sizes()) parts_.emplace_back(size, layout.capacity);
  totals_.q = totals_.k = empty_range(layout.heads * layout.dim);
  totals_.v = empty_range(layout.heads * layout.v_dim);
}

void ProductObserver::observe(AttentionPart part, const TensorView& value,
                              std::span<const std::uint64_t> image_keys) {
  const Shape& shape = value.shape();
  std::vector<float> copy;
  if (value.dtype() != DType::f32) copy = to_vector<float>(value);
  const float* values = copy.empty() ? value.as<float>() : copy.data();
  const std::int64_t size = shape[shape.rank() - 1] * shape[shape.rank() - 2];
  const std::lock_guard lock(mutex_);
  for (std::size_t image = 0; image < image_keys.size(); ++image) {
    for (std::int64_t slice = 0; slice < layout_.slices; ++slice) {
      const std::uint64_t key = mix64(image_keys[image] ^ mix64(static_cast<std::uint64_t>(slice)));
      const float* data = values + (static_cast<std::int64_t>(image) * layout_.slices + slice) * size;
      observe_slice(part, data, key, slice % layout_.heads);
    }
  }
}

void ProductObserver::observe_slice(AttentionPart part, const float* slice, std::uint64_t key,
                                    std::int64_t head) {
  // The head travels in the low bits of the key: both the order and the channels follow from it.
  const auto heads = static_cast<std::uint64_t>(layout_.heads);
  const RowReservoir::Rank rank{0, key / heads * heads + static_cast<std::uint64_t>(head)};
  const auto sampled = [&](std::int64_t width) {
    std::vector<float> rows;
    for (std::int64_t row = 0; row < layout_.rows; ++row) {
      const float* source = slice + query_of(row) * width;
      rows.insert(rows.end(), source, source + width);
    }
    return rows;
  };
  switch (part) {
    case AttentionPart::queries:
      totals_.rows_seen += layout_.queries;
      note_range(totals_.q, slice, layout_.queries, layout_.dim, head);
      reservoir(part).offer(rank, sampled(layout_.dim).data());
      break;
    case AttentionPart::keys: {
      const std::vector<float> rows = transposed(slice, layout_.dim, layout_.keys);
      note_range(totals_.k, rows.data(), layout_.keys, layout_.dim, head);
      reservoir(part).offer(rank, rows.data());
      break;
    }
    case AttentionPart::probabilities:
      totals_.p_max = std::max(totals_.p_max, *std::max_element(slice, slice + layout_.queries * layout_.keys));
      reservoir(part).offer(rank, sampled(layout_.keys).data());
      break;
    case AttentionPart::values:
      note_range(totals_.v, slice, layout_.keys, layout_.v_dim, head);
      reservoir(part).offer(rank, slice);
      break;
  }
}

void ProductObserver::note_range(ChannelRange& range, const float* rows, std::int64_t count, std::int64_t dim,
                                 std::int64_t head) const {
  float* low = range.low.data() + head * dim;
  float* high = range.high.data() + head * dim;
  for (std::int64_t row = 0; row < count; ++row, rows += dim) {
    for (std::int64_t channel = 0; channel < dim; ++channel) {
      low[channel] = std::min(low[channel], rows[channel]);
      high[channel] = std::max(high[channel], rows[channel]);
    }
  }
}

std::map<std::uint64_t, ProductObserver::Instance> ProductObserver::kept() const {
  std::map<std::uint64_t, Instance> kept;
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    for (const auto& entry : parts_[part].entries()) kept[entry.rank.key][part] = parts_[part].row(entry.slot);
  }
  return kept;
}

void ProductObserver::keep(std::uint64_t key, const Instance& instance) {
  for (std::size_t part = 0; part < parts_.size(); ++part) parts_[part].offer({0, key}, instance[part]);
}

void ProductObserver::add(const Totals& totals) {
  widen(totals_.q, totals.q);
  widen(totals_.k, totals.k);
  widen(totals_.v, totals.v);
  totals_.p_max = std::max(totals_.p_max, totals.p_max);
  totals_.rows_seen += totals.rows_seen;
}

AttentionSamples ProductObserver::finish() const {
  AttentionSamples samples;
  samples.heads = layout_.heads;
  samples.rows = layout_.rows;
  samples.keys = layout_.keys;
  samples.dim = layout_.dim;
  samples.v_dim = layout_.v_dim;
  samples.factor = layout_.factor;
  const auto sizes = layout_.part_sizes();
  const std::array<std::vector<float>*, 4> parts = {&samples.q, &samples.k, &samples.p, &samples.v};
  for (const auto& [key, instance] : kept()) {
    ++samples.instances;
    samples.head.push_back(static_cast<std::int32_t>(key % static_cast<std::uint64_t>(layout_.heads)));
    for (std::size_t part = 0; part < parts.size(); ++part) {
      parts[part]->insert(parts[part]->end(), instance[part], instance[part] + sizes[part]);
    }
  }
  samples.q_range = totals_.q;
  samples.k_range = totals_.k;
  samples.v_range = totals_.v;
  samples.p_max = std::max(totals_.p_max, 1e-6F);
  samples.rows_seen = totals_.rows_seen;
  return samples;
}

std::uint64_t ProductObserver::sample_bytes() const noexcept {
  const auto sizes = layout_.part_sizes();
  const std::int64_t instance = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  return static_cast<std::uint64_t>(instance * layout_.capacity) * sizeof(float);
}

}  // namespace nq
