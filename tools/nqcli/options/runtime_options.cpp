#include "options/runtime_options.hpp"

#include "log_output.hpp"
#include "nq/threads.hpp"

namespace nq {
namespace {
constexpr int kMaxThreads = 4096;
constexpr const char* kRuntimeGroup = "Output and resources";
}  // namespace

void RuntimeOptions::add_to(CLI::App& command) {
  command.add_option("--threads", threads, "Threads; 0 for all cores. Never changes a result")
      ->check(CLI::Range(0, kMaxThreads))
      ->capture_default_str()
      ->group(kRuntimeGroup);
  command.add_option("--log-level", log_level, "Least important message shown on stderr")
      ->check(CLI::IsMember(std::vector<std::string>(kLogLevels.begin(), kLogLevels.end())))
      ->capture_default_str()
      ->group(kRuntimeGroup);
  command.add_flag("-q,--quiet", quiet, "No progress, and no messages below warning")->group(kRuntimeGroup);
  command.add_flag("--json", json, "Print one JSON document on stdout instead of a table")->group(kRuntimeGroup);
}

void RuntimeOptions::apply() const {
  const bool talkative = log_level == "debug" || log_level == "info";
  start_log_output(quiet && talkative ? "warning" : log_level);
  set_num_threads(threads);
}

}  // namespace nq
