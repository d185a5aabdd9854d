#include "nq/exact_sum.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "core/rng.hpp"

using namespace nq;

TEST_CASE("a sum is rounded once", "[core]") {
  ExactSum sum;
  CHECK(sum.value() == 0.0);
  for (const double term : {1e100, 1.0, -1e100}) sum.add(term);
  CHECK(sum.value() == 1.0);
  ExactSum tenths;
  for (int k = 0; k < 10; ++k) tenths.add(0.1);
  CHECK(tenths.value() == 1.0);
  // 1 + 2^-53 lies half way between two doubles; any more rounds up, any less down.
  ExactSum half;
  half.add(1.0);
  half.add(0x1p-53);
  CHECK(half.value() == 1.0);
  half.add(0x1p-200);
  CHECK(half.value() == 1.0 + 0x1p-52);
  half.add(-0x1p-199);
  CHECK(half.value() == 1.0);
}

TEST_CASE("neither order nor split changes a sum", "[core]") {
  RandomStream random(7, "terms");
  std::vector<double> terms;
  for (int k = 0; k < 500; ++k) terms.push_back(std::exp2(60.0 * random.uniform()) * random.normal());
  ExactSum forward;
  for (const double term : terms) forward.add(term);
  ExactSum backward;
  for (auto term = terms.rbegin(); term != terms.rend(); ++term) backward.add(*term);
  CHECK(backward.value() == forward.value());
  for (const std::size_t shards : {2U, 3U, 7U}) {
    ExactSum merged;
    for (std::size_t shard = 0; shard < shards; ++shard) {
      ExactSum part;
      for (std::size_t k = shard; k < terms.size(); k += shards) part.add(terms[k]);
      merged.add(ExactSum::of(part.parts(), part.not_finite()));
    }
    CHECK(merged.value() == forward.value());
    CHECK(merged.parts() == forward.parts());
  }
  long double naive = 0;
  for (const double term : terms) naive += term;
  CHECK(std::abs(forward.value() - static_cast<double>(naive)) <= 1e-12 * std::abs(forward.value()));
}

TEST_CASE("a term that is not finite is not lost", "[core]") {
  ExactSum sum;
  sum.add(1.0);
  sum.add(std::numeric_limits<double>::infinity());
  CHECK(std::isnan(sum.value()));
  ExactSum other;
  other.add(sum);
  CHECK(other.not_finite() == 1);
}
