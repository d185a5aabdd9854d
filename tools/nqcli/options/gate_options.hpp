#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "document.hpp"
#include "nq/gates.hpp"

namespace nq {

/// Gates of an evaluation, and where their verdicts go besides the report.
struct GateOptions {
  GateLimits limits;
  std::filesystem::path junit;
  std::string annotate;

  void add_to(CLI::App& command);
  /// Throws Error(usage) unless the gates can be judged with what is there.
  void check(bool has_reference) const;
};

Json json_gates(const std::vector<GateResult>& gates);

/// One line per gate, empty for none.
std::string gates_text(const std::vector<GateResult>& gates);

/// Writes the JUnit file and the annotations that were asked for, then throws Error(gate) when a gate failed.
void conclude_gates(const GateOptions& options, const std::string& model, const std::vector<GateResult>& gates,
                    double seconds);

}  // namespace nq
