#pragma once

#include <string>
#include <vector>

#include "document.hpp"
#include "nq/eval_state.hpp"
#include "nq/evaluate.hpp"
#include "nq/gates.hpp"

namespace nq {

/// Figures of an evaluation, as `eval` and `merge` print them: images, top1, its interval, the reference.
void add_figures(Json& document, const EvalReport& report, const GateLimits& limits);
std::string figures_text(const EvalReport& report, const GateLimits& limits);

/// Shards and how far they have come.
Json json_parts(const EvalState& state);

}  // namespace nq
