#include "preprocess_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "log_output.hpp"
#include "nq/error.hpp"
#include "nq/eval_state.hpp"
#include "nq/preprocess_guard.hpp"

namespace nq {
namespace {

constexpr std::int64_t kMinImages = 50;
constexpr std::size_t kImages = 200;
constexpr std::uint64_t kOrderSeed = 0;

}  // namespace

void guard_preprocess(const ModelFile& model, const ImageFolder& folder, const Preprocess& preprocess,
                      const EvalOptions& options, std::optional<double> expected_top1, Progress& progress) {
  std::vector<Sample> samples = shuffled(folder.samples(), kOrderSeed);
  std::erase_if(samples, [](const Sample& sample) { return !sample.label; });
  if (static_cast<std::int64_t>(samples.size()) < kMinImages) {
    const std::string reason = fmt::format("{} images have labels, {} are needed", samples.size(), kMinImages);
    if (expected_top1) throw Error(ErrorKind::usage, "--expected-top1 cannot be checked: " + reason);
    log_note("preprocessing is not checked: " + reason);
    return;
  }
  samples.resize(std::min(samples.size(), kImages));
  const PreprocessCheck check = check_preprocess(model, samples, preprocess, options, progress, expected_top1.has_value());
  const PreprocessScore& best = check.better ? check.candidates[*check.better] : check.in_use;
  // Where even the best way is far off, the labels are to blame, and which way is best among bad ones means nothing.
  if (expected_top1 && is_far_below(best, *expected_top1)) {
    throw Error(ErrorKind::input, fmt::format("{}; that is far below the {:.1f} % expected", describe(check), 100 * *expected_top1),
                "check the labels and their class order (--class-offset, --label-map), and --preprocess; or go on as it is with "
                "--no-preprocess-check");
  }
  if (!check.better) {
    log_note(describe(check));
    return;
  }
  throw Error(ErrorKind::input, describe(check),
              "correct --preprocess, or go on as it is with --no-preprocess-check");
}

}  // namespace nq
