#include "core/float_formats.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <sstream>
#include <vector>

#include "core/rng.hpp"
#include "support/golden.hpp"

namespace nq {
namespace {

bool is_nan_half(std::uint32_t bits) { return (bits & 0x7C00U) == 0x7C00U && (bits & 0x3FFU) != 0; }

/// Values in steps of one unit in the last place around `center`.
std::vector<float> neighbours(float center) {
  std::vector<float> values{center};
  float up = center;
  float down = center;
  for (int k = 0; k < 3; ++k) {
    values.push_back(up = std::nextafter(up, INFINITY));
    values.push_back(down = std::nextafter(down, -INFINITY));
  }
  return values;
}

std::map<std::string, std::vector<float>> golden_float8() {
  std::map<std::string, std::vector<float>> tables;
  std::istringstream lines(test::slurp(test::golden_path("float8_values.txt")));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (std::string word; words >> word;) tables[name].push_back(std::stof(word));
  }
  return tables;
}

/// Nearest finite code by exhaustive search, ties to the even code.
template <typename F8>
std::uint8_t nearest_code(float value) {
  int best = -1;
  double best_distance = 0;
  for (int code = 0; code < 256; ++code) {
    const double candidate = static_cast<double>(to_float(F8{static_cast<std::uint8_t>(code)}));
    const bool same_sign = candidate == 0 || std::signbit(candidate) == std::signbit(value);
    if (!std::isfinite(candidate) || !same_sign) continue;
    const double distance = std::fabs(candidate - static_cast<double>(value));
    const bool better = best < 0 || distance < best_distance || (distance == best_distance && code % 2 == 0);
    if (better) {
      best = code;
      best_distance = distance;
    }
  }
  return static_cast<std::uint8_t>(best);
}

template <typename F8>
void check_float8(const std::string& name, float largest) {
  INFO(name);
  const std::vector<float> table = golden_float8().at(name);
  REQUIRE(table.size() == 256);
  for (int code = 0; code < 256; ++code) {
    const float value = to_float(F8{static_cast<std::uint8_t>(code)});
    const float expected = table[static_cast<std::size_t>(code)];
    INFO("code " << code);
    if (std::isnan(expected)) {
      CHECK(std::isnan(value));
      CHECK(std::isnan(to_float(to_float8<F8>(value, true))));
      continue;
    }
    CHECK(value == expected);
    CHECK(std::signbit(value) == std::signbit(expected));
    if (std::isfinite(value)) CHECK(to_float8<F8>(value, true).bits == code);
  }
  RandomStream stream(1, name);
  for (int k = 0; k < 20000; ++k) {
    const float magnitude =
        std::ldexp(static_cast<float>(stream.uniform() - 0.5), static_cast<int>(stream.next() % 40) - 24);
    if (magnitude == 0 || std::fabs(magnitude) > largest) continue;
    for (const float value : neighbours(magnitude)) {
      const std::uint8_t expected = nearest_code<F8>(value);
      const std::uint8_t actual = to_float8<F8>(value, true).bits;
      const bool both_zero = to_float(F8{expected}) == 0 && to_float(F8{actual}) == 0;
      if (actual != expected && !both_zero)
        FAIL("value " << value << " gives " << int{actual} << " not " << int{expected});
    }
  }
}

}  // namespace

TEST_CASE("all 65536 halves survive the way through float", "[core]") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = to_float(Half{static_cast<std::uint16_t>(bits)});
    if (is_nan_half(bits)) {
      wrong += !std::isnan(value) || !is_nan_half(to_half(value).bits);
    } else {
      wrong += to_half(value).bits != bits;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("float to half rounds to nearest even", "[core]") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = to_float(Half{static_cast<std::uint16_t>(bits)});
    const float high = to_float(Half{static_cast<std::uint16_t>(bits + 1)});
    const float middle = low + (high - low) / 2;  // exact: float has 13 more bits
    const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    wrong += to_half(middle).bits != even;
    wrong += to_half(std::nextafter(middle, low)).bits != bits;
    wrong += to_half(std::nextafter(middle, high)).bits != bits + 1;
    wrong += to_half(-middle).bits != (even | 0x8000U);
  }
  CHECK(wrong == 0);
  CHECK(to_half(65504.0F).bits == 0x7BFF);
  CHECK(to_half(65519.996F).bits == 0x7BFF);
  CHECK(to_half(65520.0F).bits == 0x7C00);
  CHECK(to_half(-INFINITY).bits == 0xFC00);
  CHECK(to_half(1e-10F).bits == 0);
  CHECK(to_half(-1e-10F).bits == 0x8000);
  CHECK(to_half(std::numeric_limits<float>::denorm_min()).bits == 0);
}

TEST_CASE("bfloat16 keeps its values and rounds to nearest even", "[core]") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = to_float(BFloat16{static_cast<std::uint16_t>(bits)});
    wrong += std::isnan(value) ? !std::isnan(to_float(to_bfloat16(value))) : to_bfloat16(value).bits != bits;
  }
  CHECK(wrong == 0);
  const float one = 1.0F;                            // 0x3F80
  CHECK(to_bfloat16(one + 0x1p-8F).bits == 0x3F80);  // tie, even stays
  CHECK(to_bfloat16(one + 0x3p-8F).bits == 0x3F82);  // tie, odd goes up
  CHECK(to_bfloat16(std::nextafter(one + 0x1p-8F, 2.0F)).bits == 0x3F81);
  CHECK(to_bfloat16(std::numeric_limits<float>::max()).bits == 0x7F80);
}

TEST_CASE("float8 e4m3fn decodes and rounds as the standard says", "[core]") {
  check_float8<F8E4M3FN>("float8e4m3fn", 448.0F);
  CHECK(to_float8<F8E4M3FN>(1e6F, true).bits == 0x7E);
  CHECK(to_float8<F8E4M3FN>(-INFINITY, true).bits == 0xFE);
  CHECK(to_float8<F8E4M3FN>(464.0F, false).bits == 0x7E);  // tie between 448 and the NaN code
  CHECK(std::isnan(to_float(to_float8<F8E4M3FN>(465.0F, false))));
  CHECK(std::isnan(to_float(to_float8<F8E4M3FN>(INFINITY, false))));
  CHECK(to_float8<F8E4M3FN>(-0.0F, true).bits == 0x80);
}

TEST_CASE("float8 e4m3fnuz decodes and rounds as the standard says", "[core]") {
  check_float8<F8E4M3FNUZ>("float8e4m3fnuz", 240.0F);
  CHECK(to_float8<F8E4M3FNUZ>(1e6F, true).bits == 0x7F);
  CHECK(to_float8<F8E4M3FNUZ>(1e6F, false).bits == 0x80);
  CHECK(to_float8<F8E4M3FNUZ>(-0.0F, true).bits == 0x00);
  CHECK(to_float8<F8E4M3FNUZ>(-1e-20F, true).bits == 0x00);
}

TEST_CASE("float8 e5m2 decodes and rounds as the standard says", "[core]") {
  check_float8<F8E5M2>("float8e5m2", 57344.0F);
  CHECK(to_float8<F8E5M2>(INFINITY, true).bits == 0x7B);
  CHECK(to_float8<F8E5M2>(INFINITY, false).bits == 0x7C);
  CHECK(to_float8<F8E5M2>(61439.0F, false).bits == 0x7B);
  CHECK(to_float8<F8E5M2>(61440.0F, false).bits == 0x7C);
}

TEST_CASE("float8 e5m2fnuz decodes and rounds as the standard says", "[core]") {
  check_float8<F8E5M2FNUZ>("float8e5m2fnuz", 57344.0F);
  CHECK(to_float8<F8E5M2FNUZ>(-INFINITY, false).bits == 0x80);
  CHECK(to_float8<F8E5M2FNUZ>(-INFINITY, true).bits == 0xFF);
}

}  // namespace nq
