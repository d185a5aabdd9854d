#include "kernels/rows.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/parallel.hpp"
#include "kernels/isa.hpp"

namespace nq::kernels {
namespace {

/// Elements that one thread handles at a time.
constexpr std::int64_t kGrain = 16384;

/// Calls body(row) for every row, several rows per task.
template <typename Body>
void for_each_row(std::int64_t rows, std::int64_t cols, const Body& body) {
  const auto chunk = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row);
  };
  parallel_for(0, rows, kGrain / std::max<std::int64_t>(1, cols) + 1, std::cref(chunk));
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
  for_each_row(rows, cols, [&](std::int64_t row) {
    table.softmax_row(x + row * cols, y + row * cols, cols, 1.0F);
  });
}

void log_softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t cols) {
  const KernelTable& table = active_table();
  for_each_row(rows, cols,
               [&](std::int64_t row) { table.log_softmax_row(x + row * cols, y + row * cols, cols); });
}

void normalize_rows(const RowNorm& norm, const float* x, float* y, std::int64_t rows, float* mean,
                    float* inv_std) {
  const KernelTable& table = active_table();
  for_each_row(rows, norm.cols, [&](std::int64_t row) {
    const float* source = x + row * norm.cols;
    double center = 0.0;
    double squares = 0.0;
    if (norm.center) {
      table.moments_row(source, norm.cols, &center, &squares);
    } else {
      table.squares_row(source, norm.cols, &squares);
    }
    const double variance = squares / static_cast<double>(norm.cols);
    const auto factor = static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(norm.epsilon)));
    if (mean != nullptr) mean[row] = static_cast<float>(center);
    if (inv_std != nullptr) inv_std[row] = factor;
    table.normalize_row(source, y + row * norm.cols, norm.cols, center, factor, norm.scale, norm.bias);
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
