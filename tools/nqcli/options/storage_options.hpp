#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "nq/calibrate.hpp"

namespace nq {

/// How the codes of weights are stored.
struct StorageOptions {
  std::string weights;  ///< "int8", "int4", or empty when not asked for

  void add_to(CLI::App& command);

  bool is_int4() const { return weights == "int4"; }

  /// Throws Error(usage) when int4 is asked for and no layer is to have so few bits.
  void check(const CalibrationOptions& calibration) const;

  /// Notes the choice, if one was made, among the recipe's options.
  void record(Recipe& recipe) const;
};

}  // namespace nq
