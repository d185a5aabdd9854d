#include "nq/bench.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "nq/threads.hpp"
#include "options/kernel_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"

namespace nq {
namespace {

struct BenchCommandOptions {
  ModelOptions model;
  BenchOptions bench;
  RuntimeOptions runtime;
};

void run_bench(BenchCommandOptions options) {
  options.runtime.apply();
  options.bench.input_shape = options.model.input_shape();
  const ModelFile model = options.model.load();
  TerminalProgress progress(options.runtime.progress());
  const BenchReport report = bench(model, options.bench, progress);
  if (options.runtime.json) {
    Json document = new_document("bench");
    document["model"] = options.model.path.string();
    document["batch"] = report.batch;
    document["threads"] = num_threads();
    document["kernels"] = to_string(options.bench.kernels);
    document["repeat"] = options.bench.repeat;
    document["warmup"] = options.bench.warmup;
    document["images_per_s"] = report.images_per_s();
    document["latency_ms"] = {
        {"median", report.median_ms()}, {"min", report.min_ms()}, {"p90", report.p90_ms()}};
    print_document(document);
    return;
  }
  print_text(fmt::format(
      "batch {}, {} threads, {} runs: {:.1f} images/s; latency {:.3f} ms median, {:.3f} ms least, "
      "{:.3f} ms for 90 %\n",
      report.batch, num_threads(), options.bench.repeat, report.images_per_s(), report.median_ms(),
      report.min_ms(), report.p90_ms()));
}

}  // namespace

void add_bench(CLI::App& app) {
  auto options = std::make_shared<BenchCommandOptions>();
  CLI::App& command = *app.add_subcommand("bench", "Time inference on random input");
  options->model.add_to(command);
  options->model.add_input_shape_to(command);
  command.add_option("--batch", options->bench.batch, "Images per run")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{65536}))
      ->capture_default_str();
  command.add_option("--repeat", options->bench.repeat, "Measured runs")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--warmup", options->bench.warmup, "Runs before the measured ones")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option("--seed", options->bench.seed, "Seed of the input")->capture_default_str();
  add_kernel_option(command, options->bench.kernels);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli bench vit.onnx --batch 16 --threads 8");
  command.callback([options] { run_bench(*options); });
}

}  // namespace nq
