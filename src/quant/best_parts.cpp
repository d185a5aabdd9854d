#include <array>

#include "nq/method.hpp"

namespace nq {
namespace {

constexpr std::array kParts = {
    BestPart{"channel_scale", &BestParts::channel_scale},
    BestPart{"outlier_channels", &BestParts::outlier_channels},
    BestPart{"noisy_bias", &BestParts::noisy_bias},
    BestPart{"bias_correction", &BestParts::bias_correction},
    BestPart{"compensation", &BestParts::compensation},
    BestPart{"weight_scale", &BestParts::weight_scale},
    BestPart{"weight_codes", &BestParts::weight_codes},
};

}  // namespace

std::span<const BestPart> best_parts() noexcept { return kParts; }

}  // namespace nq
