#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace nq {

/// 64-bit FNV-1a of a name; stable on every platform.
constexpr std::uint64_t hash_name(std::string_view name) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014): a bijective 64-bit mixer.
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// Counter-based random stream keyed by seed and site name: the same values on every platform,
/// whatever other sites draw.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name) noexcept
      : state_(mix64(seed ^ mix64(hash_name(name)))) {}

  std::uint64_t next() noexcept { return mix64(state_ + 0x9E3779B97F4A7C15ULL * ++counter_); }

  /// Uniform in [0, 1) with 53 random bits.
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Standard normal by Box and Muller.
  double normal() noexcept {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  std::uint64_t state_;
  std::uint64_t counter_ = 0;
};

}  // namespace nq
