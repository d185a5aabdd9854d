#include "kernels/rows.hpp"

#include <algorithm>
#include <functional>

#include "core/parallel.hpp"
#include "kernels/isa.hpp"

namespace nq::kernels {
namespace {

/// Elements that one thread handles at a time.
constexpr std::int64_t kGrain = 16384;

/// Calls body(begin, end) for ranges of rows.
template <typename Body>
void for_each_range(std::int64_t rows, std::int64_t cols, const Body& body) {
  parallel_for(0, rows, kGrain / std::max<std::int64_t>(1, cols) + 1, std::cref(body));
}

void map(void (*function)(const float*, float*, std::int64_t), const float* x, float* y, std::int64_t count) {
  const auto chunk = [=](std::int64_t begin, std::int64_t end) {
    function(x + begin, y + begin, end - begin);
  };
  parallel_for(0, count, kGrain, std::cref(chunk));
}

}  // namespace

void softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t cols) {
  const KernelTable& table = active_table();
  for_each_range(rows, cols, [&](std::int64_t begin, std::int64_t end) {
    table.softmax_rows({end - begin, cols, x + begin * cols, cols, y + begin * cols, cols});
  });
}

void log_softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t cols) {
  const KernelTable& table = active_table();
  for_each_range(rows, cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) table.log_softmax_row(x + row * cols, y + row * cols, cols);
  });
}

void normalize_rows(const RowNorm& norm, const float* x, float* y, std::int64_t rows, float* mean,
                    float* inv_std) {
  const KernelTable& table = active_table();
  for_each_range(rows, norm.cols, [&](std::int64_t begin, std::int64_t end) {
    table.normalize_rows(norm, x + begin * norm.cols, y + begin * norm.cols, end - begin,
                         mean == nullptr ? nullptr : mean + begin, inv_std == nullptr ? nullptr : inv_std + begin);
  });
}

void exp_array(const float* x, float* y, std::int64_t count) { map(active_table().exp, x, y, count); }
void erf_array(const float* x, float* y, std::int64_t count) { map(active_table().erf, x, y, count); }
void gelu_erf_array(const float* x, float* y, std::int64_t count) {
  map(active_table().gelu_erf, x, y, count);
}
void gelu_tanh_array(const float* x, float* y, std::int64_t count) {
  map(active_table().gelu_tanh, x, y, count);
}

}  // namespace nq::kernels
