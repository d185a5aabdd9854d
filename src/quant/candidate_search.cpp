#include "quant/candidate_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.hpp"

namespace nq {
namespace {

constexpr double kUnscored = std::numeric_limits<double>::infinity();
constexpr int kRefined = 2;

void score_all(const std::vector<int>& wanted, std::vector<double>& scores, std::vector<char>& done,
               const std::function<double(int)>& score) {
  parallel_for(0, static_cast<std::int64_t>(wanted.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const int candidate = wanted[static_cast<std::size_t>(i)];
      const double value = score(candidate);
      scores[static_cast<std::size_t>(candidate)] = std::isnan(value) ? kUnscored : value;
    }
  });
  for (const int candidate : wanted) done[static_cast<std::size_t>(candidate)] = 1;
}

std::vector<int> ranked(const std::vector<double>& scores, const std::vector<char>& done) {
  std::vector<int> order;
  for (int i = 0; i < static_cast<int>(scores.size()); ++i) {
    if (done[static_cast<std::size_t>(i)] != 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return scores[static_cast<std::size_t>(a)] < scores[static_cast<std::size_t>(b)];
  });
  return order;
}

}  // namespace

std::vector<int> best_candidates(int count, int step, int keep, const std::function<double(int)>& score) {
  std::vector<double> scores(static_cast<std::size_t>(count), kUnscored);
  std::vector<char> done(static_cast<std::size_t>(count), 0);
  std::vector<int> wanted;
  for (int i = 0; i < count; i += step) wanted.push_back(i);
  score_all(wanted, scores, done, score);

  while (step > 1) {
    const int finer = (step + 1) / 2;
    std::vector<int> centres = ranked(scores, done);
    centres.resize(std::min<std::size_t>(centres.size(), kRefined));
    std::vector<char> near(static_cast<std::size_t>(count), 0);
    for (const int centre : centres) {
      for (int j = centre - step + 1; j < centre + step; ++j) {
        if (j >= 0 && j < count && (j - centre) % finer == 0) near[static_cast<std::size_t>(j)] = 1;
      }
    }
    wanted.clear();
    for (int i = 0; i < count; ++i) {
      if (near[static_cast<std::size_t>(i)] != 0 && done[static_cast<std::size_t>(i)] == 0) wanted.push_back(i);
    }
    score_all(wanted, scores, done, score);
    step = finer;
  }

  std::vector<int> best = ranked(scores, done);
  best.resize(std::min(best.size(), static_cast<std::size_t>(keep)));
  return best;
}

}  // namespace nq
