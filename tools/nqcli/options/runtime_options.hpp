#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "terminal_progress.hpp"

namespace nq {

/// Options that every command has: threads, verbosity, output form.
struct RuntimeOptions {
  int threads = 0;
  std::string log_level = "info";
  bool quiet = false;
  bool json = false;

  void add_to(CLI::App& command);
  /// Makes them effective; call once, before any work.
  void apply() const;
  ProgressStyle progress() const { return progress_style(quiet); }
};

}  // namespace nq
