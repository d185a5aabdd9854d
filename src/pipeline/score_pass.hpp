#pragma once

#include <vector>

#include "nq/report.hpp"

namespace nq {

/// What one pass over all images gives.
struct ScorePass {
  EvalReport reference;
  std::vector<EvalReport> models;
  std::int64_t disagreements = 0;
  std::vector<ReportImage> worst;
  std::vector<ReportPicture> pictures;  ///< without picture, until draw_pictures()
  std::vector<SkippedImage> skipped;
};

/// Runs every image once through all models; the counts are those of evaluate().
ScorePass score_images(const ModelFile& reference, const std::vector<ReportSubject>& models,
                       const std::vector<Sample>& images, const Preprocess& preprocess, const ReportOptions& options,
                       Progress& progress);

/// Fills in the small pictures. Throws as load_image().
void draw_pictures(const std::vector<Sample>& images, std::vector<ReportPicture>& pictures);

}  // namespace nq
