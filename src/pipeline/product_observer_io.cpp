#include <algorithm>
#include <cmath>
#include <map>

#include "core/check.hpp"
#include "pipeline/product_observer.hpp"

namespace nq {
namespace {

template <typename... Parts>
struct Overloaded : Parts... {
  using Parts::operator()...;
};
template <typename... Parts>
Overloaded(Parts...) -> Overloaded<Parts...>;

void write_reservoir(AtomicFile& file, const RowReservoir& reservoir, std::int64_t length) {
  std::map<std::uint64_t, const float*> rows;
  for (const auto& entry : reservoir.entries()) rows.emplace(entry.rank.key, reservoir.row(entry.slot));
  file.write(bytes_of(std::vector<std::uint64_t>{rows.size()}));
  for (const auto& [key, row] : rows) {
    file.write(bytes_of(std::vector<std::uint64_t>{key}));
    file.write({reinterpret_cast<const char*>(row), static_cast<std::size_t>(length) * sizeof(float)});
  }
}

void read_reservoir(ByteSource& bytes, std::int64_t length, std::int64_t capacity, RowReservoir& reservoir) {
  const std::uint64_t count = bytes.values<std::uint64_t>(1)[0];
  NQ_CHECK(count <= static_cast<std::uint64_t>(capacity), input, "holds {} samples of an attention product, more than {}",
           count, capacity);
  for (std::uint64_t row = 0; row < count; ++row) {
    const std::uint64_t key = bytes.values<std::uint64_t>(1)[0];
    reservoir.offer({0, key}, bytes.values<float>(length).data());
  }
}

void read_range(ByteSource& bytes, ChannelRange& range) {
  const auto low = bytes.values<float>(static_cast<std::int64_t>(range.low.size()));
  const auto high = bytes.values<float>(static_cast<std::int64_t>(range.high.size()));
  for (std::size_t channel = 0; channel < low.size(); ++channel) {
    range.low[channel] = std::min(range.low[channel], low[channel]);
    range.high[channel] = std::max(range.high[channel], high[channel]);
  }
}

}  // namespace

template <typename Self, typename Use>
void ProductObserver::for_each_part(Self& self, Use&& use) {
  const Shapes& shapes = self.shapes_;
  use(self.q_, shapes.rows * shapes.dim);
  use(self.k_, shapes.keys * shapes.dim);
  use(self.p_, shapes.rows * shapes.keys);
  use(self.v_, shapes.keys * shapes.v_dim);
  for (auto* range : {&self.q_range_, &self.k_range_, &self.v_range_}) use(*range);
}

void ProductObserver::save(AtomicFile& file) const {
  for_each_part(*this, Overloaded{[&](const RowReservoir& rows, std::int64_t length) { write_reservoir(file, rows, length); },
                                  [&](const ChannelRange& range) {
                                    file.write(bytes_of(range.low));
                                    file.write(bytes_of(range.high));
                                  }});
  file.write(bytes_of(std::vector<float>{p_max_}));
}

void ProductObserver::load(ByteSource& bytes) {
  for_each_part(*this,
                Overloaded{[&](RowReservoir& rows, std::int64_t length) { read_reservoir(bytes, length, capacity_, rows); },
                           [&](ChannelRange& range) { read_range(bytes, range); }});
  p_max_ = std::max(p_max_, bytes.values<float>(1)[0]);
}

}  // namespace nq
