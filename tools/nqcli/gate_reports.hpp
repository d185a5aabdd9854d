#pragma once

#include <string>
#include <vector>

#include "nq/gates.hpp"

namespace nq {

/// A JUnit test suite: one test case per gate, named after it.
std::string junit_xml(const std::string& model, const std::vector<GateResult>& gates, double seconds);

/// GitHub workflow commands, one line per gate: an error for a failed one, a notice for a passed one.
std::string github_annotations(const std::string& model, const std::vector<GateResult>& gates);

}  // namespace nq
