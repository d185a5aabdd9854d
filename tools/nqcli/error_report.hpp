#pragma once

#include <CLI/CLI.hpp>

namespace nq {

/// Reports the exception in flight and returns the exit code for it: the one place where errors are
/// printed. Call inside a catch block. Requests for help and for the version go to stdout with 0.
int report_current_exception(const CLI::App& app);

}  // namespace nq
