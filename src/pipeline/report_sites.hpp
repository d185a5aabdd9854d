#pragma once

#include <vector>

#include "nq/report.hpp"

namespace nq {

/// The sites of a report and the images that they were measured on.
struct SiteReport {
  std::vector<ReportSite> sites;  ///< in network order
  std::vector<std::vector<UnmatchedLayer>> unmatched;  ///< by model
  std::int64_t images = 0;
};

/// Compares every model with the reference, layers opened; one pass over the images per model.
SiteReport report_sites(const ReportSubject& reference, const std::vector<ReportSubject>& models,
                        const std::vector<Sample>& images, const Preprocess& preprocess, const ReportOptions& options,
                        Progress& progress);

}  // namespace nq
