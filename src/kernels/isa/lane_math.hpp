#pragma once

// Elementary functions on sixteen lanes. Include after exactly one lanes_*.hpp. Coefficients are
// least-maximum fits of our own (relative error of the fit in brackets).

namespace nq::kernels {
namespace {

/// (e^r - 1 - r) / r^2 times r^2, plus 1 + r, for |r| <= ln(2) / 2 [3.3e-9].
inline Lanes exp_reduced(Lanes r) {
  Lanes p = splat(0.00138131424F);
  p = fma(p, r, splat(0.00836941904F));
  p = fma(p, r, splat(0.0416684568F));
  p = fma(p, r, splat(0.166665148F));
  p = fma(p, r, splat(0.499999931F));
  return add(fma(mul(r, r), p, r), splat(1.0F));
}

/// Nearest integer to x / ln(2); `rest` becomes x minus that many ln(2).
inline Lanes split_by_ln2(Lanes x, Lanes& rest) {
  const Lanes n = round_even(mul(x, splat(1.44269504F)));
  rest = fma(n, splat(-0.693359375F), x);
  rest = fma(n, splat(2.12194440e-4F), rest);
  return n;
}

/// e^x, relative error below 2 ulp; overflows to infinity, underflows through subnormals to 0.
inline Lanes exp_lanes(Lanes x) {
  x = max(splat(-105.0F), min(splat(89.0F), x));
  Lanes rest;
  const Lanes n = split_by_ln2(x, rest);
  const Lanes half = round_even(mul(n, splat(0.5F)));
  return mul(mul(exp_reduced(rest), exp2_integer(half)), exp2_integer(sub(n, half)));
}

/// e^x for x <= 0, and 0 below the normal range.
inline Lanes exp_nonpositive(Lanes x) {
  const Lanes lowest = splat(-87.33F);
  Lanes rest;
  const Lanes n = split_by_ln2(max(lowest, x), rest);
  return select_less(x, lowest, splat(0.0F), mul(exp_reduced(rest), exp2_integer(n)));
}

/// P(Z > t) of a standard normal Z, for t >= 0: e^(-t^2/2) times a polynomial in
/// (t - 3) / (t + 3) [9.2e-9]. The part of t^2/2 that rounding loses is put back.
inline Lanes normal_tail(Lanes t) {
  t = min(splat(14.5F), t);
  const Lanes half = mul(t, splat(-0.5F));
  const Lanes exponent = mul(t, half);
  const Lanes lost = fma(t, half, sub(splat(0.0F), exponent));
  const Lanes decay = exp_nonpositive(exponent);
  const Lanes u = div(sub(t, splat(3.0F)), add(t, splat(3.0F)));
  Lanes p = splat(5.31618664e-05F);
  p = fma(p, u, splat(0.000115013565F));
  p = fma(p, u, splat(-0.000339012827F));
  p = fma(p, u, splat(-0.000983288091F));
  p = fma(p, u, splat(0.00290438737F));
  p = fma(p, u, splat(0.00613194224F));
  p = fma(p, u, splat(-0.0462132636F));
  p = fma(p, u, splat(0.123225041F));
  p = fma(p, u, splat(-0.20640262F));
  p = fma(p, u, splat(0.121513948F));
  const Lanes product = mul(p, decay);
  return fma(product, lost, product);
}

/// erf(x): x + x P(x^2) up to 1 [1.3e-9], else 1 minus twice the normal tail at sqrt(2) x.
inline Lanes erf_lanes(Lanes x) {
  const Lanes magnitude = abs(x);
  const Lanes square = mul(x, x);
  Lanes p = splat(7.82078841e-05F);
  p = fma(p, square, splat(-0.000800096276F));
  p = fma(p, square, splat(0.00518736774F));
  p = fma(p, square, splat(-0.0268533554F));
  p = fma(p, square, splat(0.112835754F));
  p = fma(p, square, splat(-0.376126251F));
  p = fma(p, square, splat(0.128379166F));
  const Lanes near = fma(x, p, x);
  const Lanes tail = normal_tail(mul(magnitude, splat(1.41421356F)));
  const Lanes far = fma(splat(-2.0F), tail, splat(1.0F));
  const Lanes zero = splat(0.0F);
  const Lanes far_signed = select_less(x, zero, sub(zero, far), far);
  return select_less(splat(1.0F), magnitude, far_signed, near);
}

/// x * Phi(x). Small errors relative to the result on both sides: for x < 0 the tail itself is
/// the factor, never 1 - (1 - tail).
inline Lanes gelu_erf_lanes(Lanes x) {
  const Lanes tail = normal_tail(abs(x));
  // The bounds keep an infinite x from meeting a tail of zero.
  const Lanes below = mul(max(splat(-1e30F), min(splat(1e30F), x)), tail);
  return select_less(x, splat(0.0F), below, sub(x, below));
}

/// x / (1 + e^(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3): the tanh form rewritten, since
/// (1 + tanh(u)) / 2 is the logistic function of 2 u.
inline Lanes gelu_tanh_lanes(Lanes x) {
  const Lanes inner = mul(x, fma(mul(x, x), splat(0.0713548163F), splat(1.59576912F)));
  return div(x, add(splat(1.0F), exp_lanes(sub(splat(0.0F), inner))));
}

}  // namespace
}  // namespace nq::kernels
