#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/check.hpp"
#include "ops/convert.hpp"

// What each ONNX reduction does to its accumulator. A step type of element type T has
//   Acc init()                  the value of an empty reduction
//   Acc step(Acc, T)            takes one element
//   Acc merge(Acc, Acc)         joins two partial accumulators, the first one's elements first
//   T finish(Acc, count)        the result
// Floats accumulate in double, integers modulo 2^64.

namespace nq {

template <typename T>
inline constexpr bool is_floating = std::is_floating_point_v<T>;

template <typename T>
using SumAcc = std::conditional_t<is_floating<T>, double, std::uint64_t>;

/// Value of an integer or float accumulator as double; an integer one is read with T's sign.
template <typename T>
double acc_to_double(SumAcc<T> acc) {
  if constexpr (std::is_signed_v<T> && !is_floating<T>)
    return static_cast<double>(static_cast<std::int64_t>(acc));
  else
    return static_cast<double>(acc);
}

template <typename T>
struct SumStep {
  using Acc = SumAcc<T>;
  static Acc init() { return 0; }
  static Acc step(Acc acc, T x) { return acc + static_cast<Acc>(x); }
  static Acc merge(Acc a, Acc b) { return a + b; }
  static T finish(Acc acc, std::int64_t) { return static_cast<T>(acc); }
};

template <typename T>
struct MeanStep : SumStep<T> {
  static T finish(SumAcc<T> acc, std::int64_t count) {
    if constexpr (is_floating<T>) {
      return static_cast<T>(acc / static_cast<double>(count));
    } else {
      NQ_CHECK(count > 0, input, "the mean of no integers is undefined");
      if constexpr (std::is_signed_v<T>)
        return static_cast<T>(static_cast<std::int64_t>(acc) / count);
      else
        return static_cast<T>(acc / static_cast<std::uint64_t>(count));
    }
  }
};

template <typename T>
struct ProdStep {
  using Acc = SumAcc<T>;
  static Acc init() { return 1; }
  static Acc step(Acc acc, T x) { return acc * static_cast<Acc>(x); }
  static Acc merge(Acc a, Acc b) { return a * b; }
  static T finish(Acc acc, std::int64_t) { return static_cast<T>(acc); }
};

template <typename T>
struct L1Step : SumStep<T> {
  using Acc = SumAcc<T>;
  static Acc step(Acc acc, T x) {
    if constexpr (is_floating<T>)
      return acc + std::fabs(static_cast<double>(x));
    else
      return x < 0 ? acc - static_cast<Acc>(x) : acc + static_cast<Acc>(x);
  }
};

template <typename T>
struct SumSquareStep : SumStep<T> {
  using Acc = SumAcc<T>;
  static Acc step(Acc acc, T x) { return acc + static_cast<Acc>(x) * static_cast<Acc>(x); }
};

template <typename T>
struct L2Step : SumSquareStep<T> {
  static T finish(SumAcc<T> acc, std::int64_t) {
    return convert_element<T>(std::sqrt(static_cast<double>(acc)));
  }
};

template <typename T>
struct LogSumStep : SumStep<T> {
  static T finish(SumAcc<T> acc, std::int64_t) { return convert_element<T>(std::log(acc_to_double<T>(acc))); }
};

/// sum(exp(x - max)) next to the running maximum, so that large x do not overflow.
struct ScaledSum {
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;  ///< of exp(x - max)
};

template <typename T>
struct LogSumExpStep {
  using Acc = ScaledSum;
  static Acc init() { return {}; }
  static Acc step(Acc acc, T x) { return merge(acc, {static_cast<double>(x), 1.0}); }
  static Acc merge(Acc a, Acc b) {
    if (b.max == -std::numeric_limits<double>::infinity()) return a;
    if (a.max == b.max) return {a.max, a.sum + b.sum};
    if (a.max > b.max) return {a.max, a.sum + b.sum * std::exp(b.max - a.max)};
    return {b.max, a.sum * std::exp(a.max - b.max) + b.sum};
  }
  static T finish(Acc acc, std::int64_t) { return convert_element<T>(acc.max + std::log(acc.sum)); }
};

/// NaN wins, as in numpy.max; the maximum of nothing is -infinity or the lowest integer.
template <typename T>
struct MaxStep {
  using Acc = T;
  static Acc init() {
    if constexpr (is_floating<T>)
      return -std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::min();
  }
  static Acc step(Acc acc, T x) { return acc > x || acc != acc ? acc : x; }
  static Acc merge(Acc a, Acc b) { return step(a, b); }
  static T finish(Acc acc, std::int64_t) { return acc; }
};

/// NaN wins, as in numpy.min; the minimum of nothing is infinity or the highest integer.
template <typename T>
struct MinStep {
  using Acc = T;
  static Acc init() {
    if constexpr (is_floating<T>)
      return std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::max();
  }
  static Acc step(Acc acc, T x) { return acc < x || acc != acc ? acc : x; }
  static Acc merge(Acc a, Acc b) { return step(a, b); }
  static T finish(Acc acc, std::int64_t) { return acc; }
};

/// "Any" and "all" over the bytes of a bool tensor: ReduceMax-20 and ReduceMin-20.
struct AnyStep {
  using Acc = std::uint8_t;
  static Acc init() { return 0; }
  static Acc step(Acc acc, std::uint8_t x) { return acc | (x != 0); }
  static Acc merge(Acc a, Acc b) { return a | b; }
  static std::uint8_t finish(Acc acc, std::int64_t) { return acc; }
};
struct AllStep {
  using Acc = std::uint8_t;
  static Acc init() { return 1; }
  static Acc step(Acc acc, std::uint8_t x) { return acc & (x != 0); }
  static Acc merge(Acc a, Acc b) { return a & b; }
  static std::uint8_t finish(Acc acc, std::int64_t) { return acc; }
};

}  // namespace nq
