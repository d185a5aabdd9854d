#pragma once

// Elementary functions on sixteen lanes. Include after exactly one lanes_*.hpp. Coefficients are
// least-maximum fits of our own (relative error of the fit in brackets).

namespace nq::kernels {
namespace {

/// Added to a float below 2^22, it rounds to an integer and leaves that in the low bits.
constexpr float kToInteger = 12582912.0F;

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
  const Lanes to_integer = splat(kToInteger);
  const Lanes n = sub(fma(x, splat(1.44269504F), to_integer), to_integer);
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
  return scale_exp2(scale_exp2(exp_reduced(rest), half), sub(n, half));
}

/// e^x for x <= 0, and 0 below the normal range.
inline Lanes exp_nonpositive(Lanes x) {
  Lanes rest;
  const Lanes n = split_by_ln2(x, rest);
  return select_less(x, splat(-87.33F), splat(0.0F), scale_exp2(exp_reduced(rest), n));
}

/// P(Z > t) of a standard normal Z around t = n * kTailStep, n = 0 .. 15: the coefficient of (n * kTailStep - t)^d at
/// [d][n]. Fits of the relative error [1.2e-7 up to t = 4, 2e-6 up to 5].
constexpr float kTailStep = 0.421875F;
constexpr float kTailEnd = 6.53F;  // a little below 15.5 steps, where the sixteenth piece ends
constexpr float kTailPieces[7][16] = {
    {0.5F, 0.336558133F, 0.199404567F, 0.102823682F, 0.0457536243F, 0.0174561124F, 0.00568284048F, 0.00157287274F,
     0.000369078451F, 7.32658227e-05F, 1.22830279e-05F, 1.73678632e-06F, 2.06897312e-07F, 2.07466986e-08F,
     1.7499121e-09F, 1.24078775e-10F},
    {0.398942292F, 0.364974499F, 0.279460162F, 0.179094478F, 0.0960615054F, 0.0431242399F, 0.0162031129F,
     0.00509542413F, 0.00134111894F, 0.000295433245F, 5.44699178e-05F, 8.40542452e-06F, 1.08559857e-06F,
     1.17351142e-07F, 1.06172813e-08F, 8.03986266e-10F},
    {9.59937694e-08F, 0.0769868121F, 0.117897227F, 0.113333188F, 0.0810518861F, 0.0454826131F, 0.0205070823F,
     0.00752372015F, 0.00226313691F, 0.000560858345F, 0.00011489552F, 1.95024877e-05F, 2.74777062e-06F,
     3.21787041e-07F, 3.13535296e-08F, 2.54380539e-09F},
    {-0.0664876774F, -0.0500018857F, -0.0134190032F, 0.0179620124F, 0.0295809656F, 0.0247929059F, 0.0146027328F,
     0.00655708229F, 0.00232250034F, 0.000660555612F, 0.000152468914F, 2.87580951e-05F, 4.453374e-06F,
     5.68113421e-07F, 5.98601346e-08F, 5.21962074e-09F},
    {3.63197978e-05F, -0.0181046668F, -0.022478044F, -0.0132033248F, -0.00102872564F, 0.00549279852F, 0.00582172489F,
     0.00358656747F, 0.00158252427F, 0.000533749117F, 0.000141786659F, 3.01607743e-05F, 5.18816387e-06F,
     7.26096289e-07F, 8.32094145e-08F, 7.83820209e-09F},
    {0.0102251284F, 0.00593096949F, -0.00173913012F, -0.00597503223F, -0.00476298016F, -0.00141645141F,
     0.000738032686F, 0.00112728216F, 0.000720292446F, 0.000308308605F, 9.80024925e-05F, 2.41331454e-05F,
     4.70984787e-06F, 7.38416304e-07F, 9.36980555e-08F, 9.68542135e-09F},
    {0.000868055911F, 0.00281375181F, 0.00270646624F, 0.000463772711F, -0.00120253686F, -0.0012062937F,
     -0.000443956756F, 8.29948913e-05F, 0.000191507672F, 0.000120001358F, 4.77588837e-05F, 1.38379282e-05F,
     3.11393933e-06F, 5.63028834e-07F, 7.99765374e-08F, 9.05117403e-09F},
};

/// P(Z > t) for minus_t = -t in [-kTailEnd, 0].
inline Lanes normal_tail(Lanes minus_t) {
  const Lanes to_integer = splat(kToInteger);
  const Lanes index = fma(minus_t, splat(-1.0F / kTailStep), to_integer);
  const Lanes v = fma(sub(index, to_integer), splat(kTailStep), minus_t);
  Lanes tail = lookup(kTailPieces[6], index);
  for (int d = 5; d >= 0; --d) tail = fma(tail, v, lookup(kTailPieces[d], index));
  return tail;
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
  const Lanes minus_t = max(splat(-kTailEnd), mul(magnitude, splat(-1.41421356F)));
  const Lanes far = fma(splat(-2.0F), normal_tail(minus_t), splat(1.0F));
  const Lanes zero = splat(0.0F);
  const Lanes far_signed = select_less(x, zero, sub(zero, far), far);
  return select_less(splat(1.0F), magnitude, far_signed, near);
}

/// x * Phi(x) = max(x, 0) - |x| P(Z > |x|): no difference of nearly equal numbers on either side. The second part is left
/// out from kTailEnd on, where it is 2.2e-10 and less.
inline Lanes gelu_erf_lanes(Lanes x) {
  const Lanes positive = max(splat(0.0F), x);
  const Lanes minus_t = minus_abs(x);
  return select_less(splat(-kTailEnd), minus_t, fma(minus_t, normal_tail(minus_t), positive), positive);
}

/// x / (1 + e^(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3): the tanh form rewritten, since
/// (1 + tanh(u)) / 2 is the logistic function of 2 u.
inline Lanes gelu_tanh_lanes(Lanes x) {
  const Lanes inner = mul(x, fma(mul(x, x), splat(0.0713548163F), splat(1.59576912F)));
  return div(x, add(splat(1.0F), exp_lanes(sub(splat(0.0F), inner))));
}

}  // namespace
}  // namespace nq::kernels
