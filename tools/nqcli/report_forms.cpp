#include "report_forms.hpp"

#include <fmt/format.h>

#include "nq/number_text.hpp"


namespace nq {

Json json_comparison(const ReferenceComparison& comparison, bool labelled) {
  return {{"logit_mse", comparison.logit_mse},
          {"agreement", comparison.agreement},
          {"sqnr_db", comparison.sqnr_db},
          {"top1", labelled ? Json(comparison.reference_top1) : Json()}};
}

Json json_skipped(const std::vector<SkippedImage>& skipped) {
  Json list = Json::array();
  for (const SkippedImage& image : skipped) list.push_back({{"name", image.name}, {"reason", image.reason}});
  return list;
}

std::string comparison_text(const ReferenceComparison& comparison) {
  return fmt::format("logit MSE  {:.6g}\nagreement  {}\nSQNR       {:.2f} dB\n", comparison.logit_mse,
                     percent_text(comparison.agreement), comparison.sqnr_db);
}

std::string skipped_text(const std::vector<SkippedImage>& skipped) {
  return skipped.empty() ? std::string() : fmt::format(" ({} skipped)", skipped.size());
}

}  // namespace nq
