#include "core/check.hpp"
#include "pipeline/product_observer.hpp"

namespace nq {
namespace {

constexpr std::int64_t kMaxRows = std::int64_t{1} << 48;

ChannelRange read_range(ByteSource& bytes, std::int64_t channels) {
  ChannelRange range;
  range.low = bytes.values<float>(channels);
  range.high = bytes.values<float>(channels);
  return range;
}

}  // namespace

void ProductObserver::save(AtomicFile& file) const {
  for (const ChannelRange* range : {&totals_.q, &totals_.k, &totals_.v}) {
    file.write(bytes_of(range->low));
    file.write(bytes_of(range->high));
  }
  file.write(bytes_of(std::vector<float>{totals_.p_max}));
  file.write(bytes_of(std::vector<std::int64_t>{totals_.rows_seen}));
  const auto instances = kept();
  std::vector<std::uint64_t> keys;
  for (const auto& [key, instance] : instances) keys.push_back(key);
  file.write(bytes_of(std::vector<std::uint64_t>{keys.size()}));
  file.write(bytes_of(keys));
  const auto sizes = layout_.part_sizes();
  for (const auto& [key, instance] : instances) {
    for (std::size_t part = 0; part < sizes.size(); ++part) {
      file.write({reinterpret_cast<const char*>(instance[part]), static_cast<std::size_t>(sizes[part]) * sizeof(float)});
    }
  }
}

void ProductObserver::load(ByteSource& bytes) {
  Totals totals;
  totals.q = read_range(bytes, layout_.heads * layout_.dim);
  totals.k = read_range(bytes, layout_.heads * layout_.dim);
  totals.v = read_range(bytes, layout_.heads * layout_.v_dim);
  totals.p_max = bytes.values<float>(1)[0];
  totals.rows_seen = bytes.values<std::int64_t>(1)[0];
  NQ_CHECK(totals.rows_seen >= 0 && totals.rows_seen < kMaxRows, input, "{} query rows cannot have been seen", totals.rows_seen);
  add(totals);
  const std::uint64_t count = bytes.values<std::uint64_t>(1)[0];
  NQ_CHECK(count <= static_cast<std::uint64_t>(layout_.capacity), input,
           "holds {} samples of an attention product, more than {}", count, layout_.capacity);
  const auto sizes = layout_.part_sizes();
  for (const std::uint64_t key : bytes.values<std::uint64_t>(static_cast<std::int64_t>(count))) {
    std::array<std::vector<float>, 4> parts;
    Instance instance{};
    for (std::size_t part = 0; part < parts.size(); ++part) {
      parts[part] = bytes.values<float>(sizes[part]);
      instance[part] = parts[part].data();
    }
    keep(key, instance);
  }
}

}  // namespace nq
