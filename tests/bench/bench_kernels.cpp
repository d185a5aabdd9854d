#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "clock.hpp"
#include "core/parallel.hpp"
#include "core/rng.hpp"
#include "fma_peak.hpp"
#include "kernels/attention.hpp"
#include "kernels/conv.hpp"
#include "kernels/gemm.hpp"
#include "kernels/isa.hpp"
#include "kernels/quantized_linear.hpp"
#include "kernels/rows.hpp"

// Kernel benchmarks at vision-transformer shapes. One JSON line each: best and median seconds of 15
// runs, the best rate, and its share of the multiply-add peak of one thread times the threads.
// Usage: nq_bench [threads [part of a kernel's name]]; NQ_ISA selects the kernel table.

namespace nq::bench {
namespace {

using namespace nq::kernels;

std::vector<float> floats(std::int64_t count) {
  RandomStream stream(1, "bench");
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(stream.normal());
  return values;
}

struct Timing {
  double best = 0.0, median = 0.0;  ///< seconds of one call
};

Timing time_calls(const std::function<void()>& body) {
  const auto seconds = [&](int repeats) {
    const double start = seconds_now(num_threads());
    for (int i = 0; i < repeats; ++i) body();
    return (seconds_now(num_threads()) - start) / repeats;
  };
  const int repeats = std::max(1, static_cast<int>(0.02 / seconds(1)));
  std::vector<double> samples;
  for (int i = 0; i < 15; ++i) samples.push_back(seconds(repeats));
  std::sort(samples.begin(), samples.end());
  return {samples.front(), samples[samples.size() / 2]};
}

class Report {
 public:
  Report(double peak, std::string wanted) : peak_(peak), wanted_(std::move(wanted)) {}

  void flops(const std::string& name, double count, const std::function<void()>& body) const {
    if (name.find(wanted_) == std::string::npos) return;
    const Timing timing = time_calls(body);
    const double rate = count / timing.best * 1e-9;
    fmt::print("{{{},\"gflops\":{:.1f},\"peak_ratio\":{:.3f}}}\n", header(name, timing), rate,
               rate / (peak_ * num_threads()));
  }
  void elements(const std::string& name, double count, const std::function<void()>& body) const {
    if (name.find(wanted_) == std::string::npos) return;
    const Timing timing = time_calls(body);
    fmt::print("{{{},\"gelements_per_s\":{:.2f}}}\n", header(name, timing), count / timing.best * 1e-9);
  }

 private:
  static std::string header(const std::string& name, const Timing& timing) {
    return fmt::format(R"("kernel":"{}","isa":"{}","threads":{},"best_s":{:.3e},"median_s":{:.3e})", name,
                       active_table().name, num_threads(), timing.best, timing.median);
  }

  double peak_;
  std::string wanted_;
};

void bench_product(const Report& report, std::int64_t rows, std::int64_t depth, std::int64_t cols,
                   Activation activation) {
  const auto a = floats(rows * depth);
  const auto b = floats(depth * cols);
  const auto bias = floats(cols);
  std::vector<float> c(static_cast<std::size_t>(rows * cols));
  const PackedMatrix packed(StridedMatrix::dense(b.data(), depth, cols));
  Epilogue epilogue;
  epilogue.activation = activation;
  epilogue.bias = bias.data();
  const char* suffix = activation == Activation::none ? "" : "+gelu";
  report.flops(fmt::format("gemm {}x{}x{}{}", rows, depth, cols, suffix),
               2.0 * static_cast<double>(rows * depth * cols),
               [&] { gemm(StridedMatrix::dense(a.data(), rows, depth), packed, c.data(), cols, epilogue); });
}

void bench_integer_product(const Report& report, std::int64_t rows, std::int64_t depth, std::int64_t cols) {
  const auto x = floats(rows * depth);
  const std::vector<std::int8_t> w(static_cast<std::size_t>(depth * cols), 3);
  const std::vector<float> scales{0.01F};
  const auto bias = floats(cols);
  std::vector<float> y(static_cast<std::size_t>(rows * cols));
  const QuantizedLinear layer({w.data(), depth, cols, cols, 1, scales}, {0.02F, 128, 0, 255});
  report.flops(fmt::format("quantized {}x{}x{}", rows, depth, cols),
               2.0 * static_cast<double>(rows * depth * cols), [&] {
                 layer.run(x.data(), rows, y.data(), {bias.data(), nullptr, Activation::none});
               });
}

void bench_attention(const Report& report, std::int64_t batch, std::int64_t heads, std::int64_t rows,
                     std::int64_t dim) {
  const auto qkv = floats(batch * rows * 3 * heads * dim);
  std::vector<float> out(static_cast<std::size_t>(batch * rows * heads * dim));
  const auto view = [&](std::int64_t part) {
    return HeadsView{qkv.data() + part * heads * dim, rows * 3 * heads * dim, dim, 3 * heads * dim};
  };
  Attention a;
  a.batch = batch;
  a.heads = a.kv_heads = heads;
  a.q_rows = a.kv_rows = rows;
  a.dim = a.v_dim = dim;
  a.scale = 0.125F;
  a.q = view(0);
  a.k = view(1);
  a.v = view(2);
  a.out = out.data();
  a.out_batch_stride = rows * heads * dim;
  a.out_head_stride = dim;
  a.out_row_stride = heads * dim;
  report.flops(fmt::format("attention {}x{}x{}x{}", batch, heads, rows, dim),
               4.0 * static_cast<double>(batch * heads * rows * rows * dim), [&] { attend(a); });
}

void bench_patch_conv(const Report& report, std::int64_t batch, std::int64_t channels) {
  ConvShape shape;
  shape.batch = batch;
  shape.c_in = 3;
  shape.c_out = channels;
  for (const std::size_t i : {1U, 2U}) shape.window.axes[i] = {224, 14, 16, 16, 1, 0, 0};
  const auto x = floats(batch * 3 * 224 * 224);
  const auto w = floats(channels * 768);
  std::vector<float> y(static_cast<std::size_t>(batch * channels * 196));
  const PatchConv packed(shape, w.data());
  report.flops(fmt::format("patch_conv {}x{}", batch, channels),
               2.0 * static_cast<double>(batch * channels * 196 * 768),
               [&] { packed.run(x.data(), nullptr, y.data()); });
  report.flops(fmt::format("patch_tokens {}x{}", batch, channels),
               2.0 * static_cast<double>(batch * channels * 196 * 768),
               [&] { packed.run_tokens(x.data(), nullptr, y.data()); });
}

void bench_rows(const Report& report) {
  const std::int64_t rows = 1576, cols = 384;
  const auto x = floats(rows * cols);
  const auto scale = floats(cols);
  std::vector<float> y(x.size());
  const auto count = static_cast<double>(rows * cols);
  report.elements("layer_norm 1576x384", count, [&] {
    normalize_rows({cols, 1e-6F, true, scale.data(), scale.data()}, x.data(), y.data(), rows);
  });
  report.elements("softmax 1576x384", count, [&] { softmax_rows(x.data(), y.data(), rows, cols); });
  report.elements("gelu_erf", count, [&] { gelu_erf_array(x.data(), y.data(), rows * cols); });
  report.elements("erf", count, [&] { erf_array(x.data(), y.data(), rows * cols); });
  report.elements("exp", count, [&] { exp_array(x.data(), y.data(), rows * cols); });
}

void run(int threads, const char* wanted) {
  set_num_threads(threads);
  const double peak = fma_peak_gflops();
  fmt::print(R"({{"kernel":"fma_peak","threads":1,"gflops":{:.1f}}})"
             "\n",
             peak);
  const Report report(peak, wanted);
  const std::int64_t shapes[][3] = {{1576, 192, 576},  {1576, 192, 768},   {1576, 768, 192},
                                    {1576, 384, 1536}, {1576, 1536, 384},  {1576, 768, 3072},
                                    {1576, 3072, 768}, {1576, 1024, 4096}, {197, 192, 576},
                                    {197, 384, 1536},  {197, 768, 3072}};
  for (const auto& s : shapes) bench_product(report, s[0], s[1], s[2], Activation::none);
  bench_product(report, 1576, 384, 1536, Activation::gelu_erf);
  for (const auto& s : shapes) bench_integer_product(report, s[0], s[1], s[2]);
  bench_attention(report, 8, 6, 197, 64);
  bench_attention(report, 1, 3, 197, 64);
  bench_attention(report, 64, 3, 49, 32);
  bench_attention(report, 1, 12, 1025, 64);
  bench_patch_conv(report, 8, 384);
  bench_rows(report);
}

}  // namespace
}  // namespace nq::bench

int main(int argc, char** argv) {
  nq::bench::run(argc > 1 ? std::atoi(argv[1]) : 1, argc > 2 ? argv[2] : "");
  return 0;
}
