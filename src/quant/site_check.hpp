#pragma once

#include "nq/method.hpp"

namespace nq {

/// Throws Error(input) naming the site when sizes disagree, there is no row, or a sample, extreme,
/// weight or bias is not finite; Error(usage) when an option is outside its range.
void check_site(const SiteInput& site, const MethodOptions& options);

}  // namespace nq
