#pragma once

#include <functional>
#include <vector>

namespace nq {

/// Indices of the `keep` smallest scores among candidates 0..count-1, best first.
///
/// Scores every `step`-th candidate, then all neighbours within a step of the best two, so a
/// curve that is rough only on the scale of one step is searched as finely as by the full list.
/// Candidates run in parallel; ties go to the lower index.
std::vector<int> best_candidates(int count, int step, int keep, const std::function<double(int)>& score);

}  // namespace nq
