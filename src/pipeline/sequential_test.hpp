#pragma once

#include <cstdint>
#include <optional>

namespace nq {

/// Tests that may be looked at after every image: what they say of the whole list of images is wrong with
/// probability at most `alpha`, however often they are asked (docs/adr/0012). The images must come in random
/// order. Each returns whether the whole list will pass, or nothing while that is open; once all images are in,
/// the answer is the fact.

/// Whether at least `limit` of `population` images will be successes, after `successes` of `seen`.
std::optional<bool> fraction_reaches(double limit, std::int64_t successes, std::int64_t seen, std::int64_t population,
                                     double alpha);

/// Whether losses minus gains will be at most `limit` of `population`, after `lost` and `gained` of `seen`.
std::optional<bool> drop_stays_below(double limit, std::int64_t lost, std::int64_t gained, std::int64_t seen,
                                     std::int64_t population, double alpha);

/// Whether the mean of the population is at most `limit`, from the sum of `seen` values and of their squares.
/// Asymptotic in the number of values; open below 100 of them.
std::optional<bool> mean_stays_below(double limit, double sum, double sum_of_squares, std::int64_t seen,
                                     std::int64_t population, double alpha);

}  // namespace nq
