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
                      const EvalOptions& options, Progress& progress) {
  std::vector<Sample> samples = shuffled(folder.samples(), kOrderSeed);
  std::erase_if(samples, [](const Sample& sample) { return !sample.label; });
  if (static_cast<std::int64_t>(samples.size()) < kMinImages) {
    log_note(fmt::format("preprocessing is not checked: {} images have labels, {} are needed", samples.size(), kMinImages));
    return;
  }
  samples.resize(std::min(samples.size(), kImages));
  const PreprocessCheck check = check_preprocess(model, samples, preprocess, options, progress);
  if (!check.better) {
    log_note(describe(check));
    return;
  }
  throw Error(ErrorKind::input, describe(check),
              "correct --preprocess, or go on as it is with --no-preprocess-check");
}

}  // namespace nq
