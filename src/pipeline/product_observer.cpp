#include "pipeline/product_observer.hpp"

#include <algorithm>
#include <limits>
#include <map>

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

/// Rows of a reservoir side by side, in the order of their keys.
std::vector<float> ordered_rows(const RowReservoir& reservoir, std::int64_t length) {
  std::map<std::uint64_t, const float*> rows;
  for (const auto& entry : reservoir.entries()) rows.emplace(entry.rank.key, reservoir.row(entry.slot));
  std::vector<float> result;
  result.reserve(rows.size() * static_cast<std::size_t>(length));
  for (const auto& [key, row] : rows) result.insert(result.end(), row, row + length);
  return result;
}

}  // namespace

ProductObserver::ProductObserver(const TypedGraph& typed, const AttentionSite& site, std::int64_t plan_batch,
                                 std::uint64_t budget)
    : factor_(site.factor), q_(0, 0), k_(0, 0), p_(0, 0), v_(0, 0) {
  const Shape& q = typed.type(site.scores.left).shape;
  const Shape& k = typed.type(site.scores.right).shape;
  const Shape& p = typed.type(site.values.left).shape;
  const Shape& v = typed.type(site.values.right).shape;
  const std::int64_t slices = slices_of(q);
  NQ_CHECK(slices > 0 && slices % plan_batch == 0 && slices_of(k) == slices && slices_of(v) == slices &&
               slices_of(p) == slices && q.elements() > 0 && k.elements() > 0,
           unsupported, "the operands of '{}' do not have one matrix per head", site.scores.name);
  shapes_.slices = slices / plan_batch;
  shapes_.heads = q.rank() >= 4 ? q[q.rank() - 3] : shapes_.slices;
  shapes_.queries = q[q.rank() - 2];
  shapes_.rows = std::min(shapes_.queries, kQueryRows);
  shapes_.dim = q.back();
  shapes_.keys = k.back();
  shapes_.v_dim = v.back();
  const std::int64_t row_floats[] = {shapes_.rows * shapes_.dim, shapes_.keys * shapes_.dim,
                                     shapes_.rows * shapes_.keys, shapes_.keys * shapes_.v_dim};
  const std::int64_t instance = row_floats[0] + row_floats[1] + row_floats[2] + row_floats[3];
  const auto fitting =
      static_cast<std::int64_t>(budget / (sizeof(float) * static_cast<std::uint64_t>(instance)));
  const std::int64_t wanted = std::clamp(kInstancesPerHead * shapes_.heads, std::int64_t{32}, kMaxInstances);
  capacity_ = std::min(wanted, fitting);
  NQ_CHECK(capacity_ >= kMinInstances, resource,
           "calibration samples of '{}' need at least {} bytes, the limit is {}", site.scores.name,
           static_cast<std::uint64_t>(instance * kMinInstances) * sizeof(float), budget);
  q_ = RowReservoir(row_floats[0], capacity_);
  k_ = RowReservoir(row_floats[1], capacity_);
  p_ = RowReservoir(row_floats[2], capacity_);
  v_ = RowReservoir(row_floats[3], capacity_);
  q_range_ = k_range_ = empty_range(shapes_.heads * shapes_.dim);
  v_range_ = empty_range(shapes_.heads * shapes_.v_dim);
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
    for (std::int64_t slice = 0; slice < shapes_.slices; ++slice) {
      const std::uint64_t key = mix64(image_keys[image] ^ mix64(static_cast<std::uint64_t>(slice)));
      const float* data = values + (static_cast<std::int64_t>(image) * shapes_.slices + slice) * size;
      observe_slice(part, data, key, slice % shapes_.heads);
    }
  }
}

void ProductObserver::observe_slice(AttentionPart part, const float* slice, std::uint64_t key,
                                    std::int64_t head) {
  // The head travels in the low bits of the key: both the order and the channels follow from it.
  const auto heads = static_cast<std::uint64_t>(shapes_.heads);
  const RowReservoir::Rank rank{0, key / heads * heads + static_cast<std::uint64_t>(head)};
  const auto sampled = [&](std::int64_t width) {
    std::vector<float> rows;
    for (std::int64_t row = 0; row < shapes_.rows; ++row) {
      const float* source = slice + query_of(row) * width;
      rows.insert(rows.end(), source, source + width);
    }
    return rows;
  };
  switch (part) {
    case AttentionPart::queries:
      note_range(q_range_, slice, shapes_.queries, shapes_.dim, head);
      q_.offer(rank, sampled(shapes_.dim).data());
      break;
    case AttentionPart::keys: {
      const std::vector<float> rows = transposed(slice, shapes_.dim, shapes_.keys);
      note_range(k_range_, rows.data(), shapes_.keys, shapes_.dim, head);
      k_.offer(rank, rows.data());
      break;
    }
    case AttentionPart::probabilities:
      p_max_ = std::max(p_max_, *std::max_element(slice, slice + shapes_.queries * shapes_.keys));
      p_.offer(rank, sampled(shapes_.keys).data());
      break;
    case AttentionPart::values:
      note_range(v_range_, slice, shapes_.keys, shapes_.v_dim, head);
      v_.offer(rank, slice);
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

AttentionSamples ProductObserver::finish() const {
  AttentionSamples samples;
  samples.instances = static_cast<std::int64_t>(q_.entries().size());
  samples.heads = shapes_.heads;
  samples.rows = shapes_.rows;
  samples.keys = shapes_.keys;
  samples.dim = shapes_.dim;
  samples.v_dim = shapes_.v_dim;
  samples.q = ordered_rows(q_, shapes_.rows * shapes_.dim);
  samples.k = ordered_rows(k_, shapes_.keys * shapes_.dim);
  samples.p = ordered_rows(p_, shapes_.rows * shapes_.keys);
  samples.v = ordered_rows(v_, shapes_.keys * shapes_.v_dim);
  std::vector<std::uint64_t> keys;
  for (const auto& entry : q_.entries()) keys.push_back(entry.rank.key);
  std::sort(keys.begin(), keys.end());
  for (const std::uint64_t key : keys) {
    samples.head.push_back(static_cast<std::int32_t>(key % static_cast<std::uint64_t>(shapes_.heads)));
  }
  samples.q_range = q_range_;
  samples.k_range = k_range_;
  samples.v_range = v_range_;
  samples.p_max = std::max(p_max_, 1e-6F);
  samples.factor = factor_;
  return samples;
}

std::uint64_t ProductObserver::sample_bytes() const noexcept {
  const std::int64_t instance =
      shapes_.rows * (shapes_.dim + shapes_.keys) + shapes_.keys * (shapes_.dim + shapes_.v_dim);
  return static_cast<std::uint64_t>(instance * capacity_) * sizeof(float);
}

}  // namespace nq
