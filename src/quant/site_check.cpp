#include "quant/site_check.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/check.hpp"
#include "core/largest_magnitude.hpp"

namespace nq {
namespace {

void check_finite(const SiteInput& site, std::span<const float> values, std::string_view what) {
  NQ_CHECK(std::isfinite(largest_magnitude(values)), input, "layer '{}': {} holds a value that is not finite", site.name, what);
}

void check_finite_rows(const SiteInput& site, const MatrixView& matrix, std::string_view what) {
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    check_finite(site, std::span(matrix.row(row), static_cast<std::size_t>(matrix.cols)), what);
  }
}

void check_sizes(const SiteInput& site) {
  NQ_CHECK(site.rows.rows > 0, input, "layer '{}': no calibration sample reached it", site.name);
  NQ_CHECK(site.rows.cols > 0 && site.weight.cols > 0, input, "layer '{}': empty weight", site.name);
  NQ_ASSERT(site.weight.rows == site.rows.cols);
  NQ_ASSERT(static_cast<std::int64_t>(site.row_weight.size()) == site.rows.rows);
  NQ_ASSERT(site.readout.empty() || site.readout.size() == site.row_weight.size());
  NQ_ASSERT(static_cast<std::int64_t>(site.channel_min.size()) == site.rows.cols);
  NQ_ASSERT(static_cast<std::int64_t>(site.channel_max.size()) == site.rows.cols);
  NQ_ASSERT(static_cast<std::int64_t>(site.bias.size()) == site.weight.cols);
}

void check_options(const MethodOptions& options) {
  NQ_CHECK(options.weight_bits >= 2 && options.weight_bits <= kMaxBits, usage, "weight bits {} is outside 2..{}",
           options.weight_bits, kMaxBits);
  NQ_CHECK(options.activation_bits >= 2 && options.activation_bits <= kMaxBits, usage,
           "activation bits {} is outside 2..{}", options.activation_bits, kMaxBits);
  NQ_CHECK(options.alpha > 0 && options.beta >= options.alpha && std::isfinite(options.beta), usage,
           "the scale range [{}, {}] is not a positive interval", options.alpha, options.beta);
  NQ_CHECK(options.candidates >= 1 && options.candidates <= 100000, usage,
           "{} scale candidates is outside 1..100000", options.candidates);
  NQ_CHECK(options.noise_candidates >= 1 && options.noise_candidates <= 100000, usage,
           "{} noise candidates is outside 1..100000", options.noise_candidates);
  NQ_CHECK(options.rounds >= 1 && options.rounds <= 100, usage, "{} rounds is outside 1..100",
           options.rounds);
  NQ_CHECK(options.percentile > 0 && options.percentile <= 100, usage, "percentile {} is outside (0, 100]",
           options.percentile);
}

}  // namespace

void check_site(const SiteInput& site, const MethodOptions& options) {
  check_options(options);
  check_sizes(site);
  check_finite_rows(site, site.rows, "the input");
  check_finite(site, site.channel_min, "the input");
  check_finite(site, site.channel_max, "the input");
  check_finite_rows(site, site.weight, "the weight");
  check_finite(site, site.bias, "the bias");
  for (const float weight : site.row_weight) {
    NQ_CHECK(weight > 0 && std::isfinite(weight), input, "layer '{}': a row weight is not positive",
             site.name);
  }
}

}  // namespace nq
