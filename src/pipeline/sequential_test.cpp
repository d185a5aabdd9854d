#include "pipeline/sequential_test.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nq {
namespace {

/// Weight of the prior, in images: it is centred on the limit, since that is where decisions are hard.
constexpr double kPriorImages = 100;
/// Share of images that model and reference are expected to decide differently, each way.
constexpr double kPriorDiscordance = 0.03;
constexpr std::int64_t kMinMeanImages = 100;
constexpr double kImpossible = -std::numeric_limits<double>::infinity();

double log_choose(std::int64_t n, std::int64_t k) {
  if (k < 0 || k > n) return kImpossible;
  return std::lgamma(static_cast<double>(n) + 1) - std::lgamma(static_cast<double>(k) + 1) -
         std::lgamma(static_cast<double>(n - k) + 1);
}

/// log Gamma(a + k) / Gamma(a).
double log_rising(double a, std::int64_t k) { return std::lgamma(a + static_cast<double>(k)) - std::lgamma(a); }

/// Log-probability of one order of the images seen, under a mixture of populations (Polya's urn).
double log_urn(double prior_lost, double prior_gained, double prior_rest, std::int64_t lost, std::int64_t gained,
               std::int64_t rest) {
  return log_rising(prior_lost, lost) + log_rising(prior_gained, gained) + log_rising(prior_rest, rest) -
         log_rising(prior_lost + prior_gained + prior_rest, lost + gained + rest);
}

/// Counts of a sample of a population, and the log-probability of one order of it when the population has
/// `total_lost` and `total_gained`.
struct Draw {
  std::int64_t lost = 0;
  std::int64_t gained = 0;
  std::int64_t seen = 0;
  std::int64_t population = 0;

  double log_probability(std::int64_t total_lost, std::int64_t total_gained) const {
    const std::int64_t left = population - seen;
    const std::int64_t left_lost = total_lost - lost;
    const std::int64_t left_gained = total_gained - gained;
    // The unseen rest has so many orders, the population so many: their ratio is the probability of the seen part.
    return log_choose(left, left_lost) + log_choose(left - left_lost, left_gained) -
           log_choose(population, total_lost) - log_choose(population - total_lost, total_gained);
  }

  /// The largest log-probability over populations with losses - gains == `difference`; it is concave along them.
  double best_log_probability(std::int64_t difference) const {
    const std::int64_t left = population - seen;
    std::int64_t low = std::max({gained, lost - difference, std::int64_t{0}, -difference});
    std::int64_t high = (left + gained + lost - difference) / 2;  // losses and gains together fit what is left
    const auto at = [&](std::int64_t total_gained) { return log_probability(total_gained + difference, total_gained); };
    double best = kImpossible;
    while (high - low > 8) {
      const std::int64_t third = (high - low) / 3;
      if (at(low + third) < at(high - third)) low += third;
      else high -= third;
    }
    for (std::int64_t total = low; total <= high; ++total) best = std::max(best, at(total));
    return best;
  }
};

}  // namespace

std::optional<bool> fraction_reaches(double limit, std::int64_t successes, std::int64_t seen, std::int64_t population,
                                     double alpha) {
  // The fewest successes that pass; a fraction of a success too few does not.
  const auto needed = static_cast<std::int64_t>(std::ceil(limit * static_cast<double>(population) - 1e-9));
  if (successes >= needed) return true;
  if (successes + population - seen < needed) return false;
  const double centre = std::clamp(limit, 0.01, 0.99);
  const Draw draw{successes, 0, seen, population};
  const double evidence = log_rising(kPriorImages * centre, successes) +
                          log_rising(kPriorImages * (1 - centre), seen - successes) - log_rising(kPriorImages, seen);
  const double threshold = std::log(1 / alpha);
  const double share = static_cast<double>(successes) / static_cast<double>(std::max<std::int64_t>(seen, 1));
  const bool above = share * static_cast<double>(population) >= static_cast<double>(needed);
  const std::int64_t nearest_wrong = above ? needed - 1 : needed;
  if (evidence - draw.log_probability(nearest_wrong, 0) < threshold) return std::nullopt;
  return above;
}

std::optional<bool> drop_stays_below(double limit, std::int64_t lost, std::int64_t gained, std::int64_t seen,
                                     std::int64_t population, double alpha) {
  const auto allowed = static_cast<std::int64_t>(std::floor(limit * static_cast<double>(population) + 1e-9));
  const std::int64_t left = population - seen;
  if (lost - gained + left <= allowed) return true;
  if (lost - gained - left > allowed) return false;
  const double drop = std::clamp(limit, -0.5, 0.5);
  const double prior_lost = kPriorImages * std::max(kPriorDiscordance + drop / 2, 0.01);
  const double prior_gained = kPriorImages * std::max(kPriorDiscordance - drop / 2, 0.01);
  const double evidence = log_urn(prior_lost, prior_gained, std::max(kPriorImages - prior_lost - prior_gained, 1.0), lost,
                                  gained, seen - lost - gained);
  const double share = static_cast<double>(lost - gained) / static_cast<double>(std::max<std::int64_t>(seen, 1));
  const bool below = share * static_cast<double>(population) <= static_cast<double>(allowed);
  const Draw draw{lost, gained, seen, population};
  const double best_wrong = draw.best_log_probability(below ? allowed + 1 : allowed);
  if (evidence - best_wrong < std::log(1 / alpha)) return std::nullopt;
  return below;
}

std::optional<bool> mean_stays_below(double limit, double sum, double sum_of_squares, std::int64_t seen,
                                     std::int64_t population, double alpha) {
  const auto n = static_cast<double>(seen);
  const double mean = sum / n;
  if (seen >= population) return mean <= limit;
  if (seen < kMinMeanImages) return std::nullopt;
  const double variance = std::max(0.0, (sum_of_squares - sum * mean) / (n - 1));
  // Robbins' normal mixture, tuned to be narrowest near a thousand images.
  constexpr double kRatio = 1.0 / 100.0;
  const double scaled = n * kRatio + 1;
  const double half = std::sqrt(variance) * std::sqrt(2 * scaled / (n * n * kRatio) * std::log(std::sqrt(scaled) / (alpha / 2)));
  if (mean + half <= limit) return true;
  if (mean - half > limit) return false;
  return std::nullopt;
}

}  // namespace nq
