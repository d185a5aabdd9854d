#pragma once

#include <string>
#include <vector>

#include "document.hpp"
#include "nq/batch_loader.hpp"
#include "nq/evaluate.hpp"

namespace nq {

/// logit_mse, agreement, sqnr_db (null when infinite) and, with labels, top1 of the reference.
Json json_comparison(const ReferenceComparison& comparison, bool labelled);

/// List of {name, reason}.
Json json_skipped(const std::vector<SkippedImage>& skipped);

/// Lines for logit MSE, agreement and SQNR.
std::string comparison_text(const ReferenceComparison& comparison);

/// " (3 skipped)", empty for none.
std::string skipped_text(const std::vector<SkippedImage>& skipped);

}  // namespace nq
