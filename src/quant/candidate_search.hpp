#pragma once

#include <functional>
#include <vector>

namespace nq {

/// Indices of the `keep` smallest scores among candidates 0..count-1, best first.
///
/// Scores every `step`-th candidate, then neighbours of the best two at half the step, and so on down to a step of one.
/// Candidates run in parallel; ties go to the lower index.
std::vector<int> best_candidates(int count, int step, int keep, const std::function<double(int)>& score);

}  // namespace nq
