#include "core/rng.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace nq {

TEST_CASE("name hash is FNV-1a", "[core]") {
  CHECK(hash_name("") == 0xcbf29ce484222325ULL);
  CHECK(hash_name("a") == 0xaf63dc4c8601ec8cULL);
  CHECK(hash_name("foobar") == 0x85944171f73967e8ULL);
}

TEST_CASE("the mixer is SplitMix64", "[core]") {
  // First outputs of SplitMix64 seeded with 0 and with 1234567.
  CHECK(mix64(0) == 0xe220a8397b1dcdafULL);
  CHECK(mix64(0x9E3779B97F4A7C15ULL) == 0x6e789e6aa1b965f4ULL);
  CHECK(mix64(1234567) == 6457827717110365317ULL);
}

TEST_CASE("streams are fixed by seed and name alone", "[core]") {
  RandomStream a(1, "site");
  RandomStream same(1, "site");
  RandomStream other_name(1, "sitf");
  RandomStream other_seed(2, "site");
  const std::uint64_t first = a.next();
  CHECK(first == same.next());
  CHECK(first != other_name.next());
  CHECK(first != other_seed.next());
}

TEST_CASE("uniform and normal draws have the right moments", "[core]") {
  constexpr int kDraws = 200000;
  RandomStream stream(3, "moments");
  double sum = 0;
  double squares = 0;
  bool inside = true;
  for (int k = 0; k < kDraws; ++k) {
    const double value = stream.uniform();
    inside = inside && value >= 0 && value < 1;
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kDraws;
  CHECK(inside);
  // Five standard errors: sqrt(1/12/n) = 6.5e-4 of the mean, about 1.7e-4 of the variance.
  CHECK(mean == Approx(0.5).margin(5 * 6.5e-4));
  CHECK(squares / kDraws - mean * mean == Approx(1.0 / 12).margin(5 * 1.7e-4));

  sum = squares = 0;
  double cubes = 0;
  for (int k = 0; k < kDraws; ++k) {
    const double value = stream.normal();
    REQUIRE(std::isfinite(value));
    sum += value;
    squares += value * value;
    cubes += value * value * value;
  }
  CHECK(sum / kDraws == Approx(0.0).margin(5 * 2.3e-3));
  CHECK(squares / kDraws == Approx(1.0).margin(5 * 3.2e-3));
  CHECK(cubes / kDraws == Approx(0.0).margin(5 * 8.7e-3));
}

TEST_CASE("draws of one stream are uncorrelated with the next and with another name", "[core]") {
  constexpr int kDraws = 100000;
  RandomStream a(5, "blocks.0");
  RandomStream b(5, "blocks.1");
  double serial = 0;
  double cross = 0;
  double previous = 0;
  for (int k = 0; k < kDraws; ++k) {
    const double value = a.uniform() - 0.5;
    serial += value * previous;
    cross += value * (b.uniform() - 0.5);
    previous = value;
  }
  // Standard error of a product of two uniforms: 1/12/sqrt(n).
  const double five_errors = 5.0 / 12 / std::sqrt(kDraws);
  CHECK(serial / kDraws == Approx(0).margin(five_errors));
  CHECK(cross / kDraws == Approx(0).margin(five_errors));
}

}  // namespace nq
