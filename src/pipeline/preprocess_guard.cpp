#include "nq/preprocess_guard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/check.hpp"
#include "pipeline/logits.hpp"
#include "pipeline/statistics.hpp"

namespace nq {
namespace {

/// A candidate goes on after so many images when its gain is above so many standard errors: one that is clearly
/// better in the end is so from early on.
struct Stage {
  std::int64_t images = 0;
  double needed_z = 0;
};
constexpr std::array<Stage, 3> kStages = {{{8, -1.5}, {16, -1.5}, {48, 1.0}}};
constexpr std::size_t kFinalists = 2;      ///< candidates measured on all images
constexpr double kSignificant = 4.5;       ///< standard errors; some dozen candidates are tried
constexpr double kClearGain = 0.03;        ///< of the loss

/// What one image gave.
struct Outcome {
  double loss = 0;
  bool correct = false;
};

double cross_entropy(std::span<const float> logits, std::size_t label) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return largest + std::log(sum) - static_cast<double>(logits[label]);
}

class Guard {
 public:
  Guard(const ModelFile& model, std::vector<Sample> samples, const Preprocess& in_use, const EvalOptions& options, Progress& progress)
      : samples_(std::move(samples)), in_use_(in_use), options_(options), progress_(progress),
        runner_(make_model_runner(model, options.input_shape, options.kernels, in_use)) {}

  PreprocessCheck run(bool measure_all) {
    PreprocessCheck check;
    check.candidates = preprocess_candidates(in_use_);
    const auto all = static_cast<std::int64_t>(samples_.size());
    progress_.begin("checking preprocessing", static_cast<std::int64_t>(check.candidates.size()), "candidates");
    measure_base(measure_all ? all : std::min(all, kStages.back().images));
    std::vector<Trial> trials;
    for (PreprocessScore& candidate : check.candidates) {
      trials.push_back({&candidate, {}});
      screen(trials.back(), all);
      progress_.advance(1);
    }
    std::erase_if(trials, [](const Trial& trial) { return trial.candidate->screened_out; });
    std::stable_sort(trials.begin(), trials.end(),
                     [](const Trial& left, const Trial& right) { return left.candidate->loss < right.candidate->loss; });
    for (std::size_t k = 0; k < std::min(trials.size(), kFinalists); ++k) measure_up_to(trials[k], all);
    progress_.end();
    check.in_use.preprocess = in_use_;
    check.in_use.change = "as described";
    score(check.in_use, base_);
    choose(check);
    return check;
  }

 private:
  /// A candidate and what it gave on the first images.
  struct Trial {
    PreprocessScore* candidate = nullptr;
    std::vector<Outcome> measured;
  };

  void measure_base(std::int64_t last) {
    const auto first = static_cast<std::int64_t>(base_.size());
    if (first >= last) return;
    const auto more = outcomes(in_use_, first, last);
    base_.insert(base_.end(), more.begin(), more.end());
  }

  void measure_up_to(Trial& trial, std::int64_t last) {
    measure_base(last);
    const auto more = outcomes(trial.candidate->preprocess, static_cast<std::int64_t>(trial.measured.size()), last);
    trial.measured.insert(trial.measured.end(), more.begin(), more.end());
    score(*trial.candidate, trial.measured);
  }

  void screen(Trial& trial, std::int64_t all) {
    for (const Stage& stage : kStages) {
      if (stage.images >= all) return;
      measure_up_to(trial, stage.images);
      trial.candidate->screened_out = trial.candidate->z <= stage.needed_z;
      if (trial.candidate->screened_out) return;
    }
  }

  /// Outcomes of samples [first, last), in order.
  std::vector<Outcome> outcomes(const Preprocess& preprocess, std::int64_t first, std::int64_t last) {
    const std::vector<Sample> part(samples_.begin() + first, samples_.begin() + last);
    BatchLoader loader(part, preprocess, options_.batch, BadImages::fail);
    std::vector<Outcome> result;
    std::vector<float> storage;
    while (const std::optional<Batch> batch = loader.next()) {
      const Tensor logits = runner_.run(batch->images);
      for (std::size_t slot = 0; slot < batch->sample_index.size(); ++slot) {
        const Sample& sample = part[batch->sample_index[slot]];
        const auto classes = options_.classes.select(image_logits(logits, slot), storage);
        NQ_CHECK(*sample.label < static_cast<std::int64_t>(classes.size()), usage, "image '{}' has label {}, the model has {} classes",
                 sample.name, *sample.label, classes.size());
        const auto label = static_cast<std::size_t>(*sample.label);
        result.push_back({cross_entropy(classes, label), rank_of(classes, label) == 0});
      }
    }
    return result;
  }

  void score(PreprocessScore& target, const std::vector<Outcome>& measured) const {
    const auto n = static_cast<double>(measured.size());
    double gain = 0;
    double squares = 0;
    target.images = static_cast<std::int64_t>(measured.size());
    target.correct = 0;
    target.loss = 0;
    for (std::size_t k = 0; k < measured.size(); ++k) {
      const double difference = base_[k].loss - measured[k].loss;
      gain += difference;
      squares += difference * difference;
      target.loss += measured[k].loss / n;
      target.correct += measured[k].correct ? 1 : 0;
    }
    target.gain = gain / n;
    const double variance = n > 1 ? std::max(0.0, (squares - gain * gain / n) / (n - 1)) : 0;
    target.z = variance > 0 ? target.gain / std::sqrt(variance / n) : 0;
  }

  void choose(PreprocessCheck& check) const {
    for (std::size_t k = 0; k < check.candidates.size(); ++k) {
      const PreprocessScore& candidate = check.candidates[k];
      const bool is_better = candidate.images == check.in_use.images && candidate.z > kSignificant &&
                             candidate.gain > kClearGain * check.in_use.loss && candidate.correct >= check.in_use.correct;
      if (is_better && (!check.better || candidate.loss < check.candidates[*check.better].loss)) check.better = k;
    }
  }

  std::vector<Sample> samples_;
  const Preprocess& in_use_;
  const EvalOptions& options_;
  Progress& progress_;
  ImageRunner runner_;
  std::vector<Outcome> base_;
};

bool same_normalization(const Preprocess& a, const Preprocess& b) { return a.mean == b.mean && a.std == b.std; }

void add_candidate(std::vector<PreprocessScore>& list, std::string change, const Preprocess& preprocess) {
  PreprocessScore candidate;
  candidate.change = std::move(change);
  candidate.preprocess = preprocess;
  candidate.preprocess.source = candidate.change;
  list.push_back(std::move(candidate));
}

/// Mean and std of the presets and of none, in both channel orders.
void add_normalizations(const Preprocess& in_use, std::vector<PreprocessScore>& list) {
  std::vector<std::pair<std::string, Preprocess>> normalizations = {{"", in_use}};
  for (const std::string_view name : preprocess_preset_names()) {
    const Preprocess preset = preprocess_preset(name, in_use.height, in_use.width);
    Preprocess changed = in_use;
    changed.mean = preset.mean;
    changed.std = preset.std;
    if (!same_normalization(changed, in_use)) normalizations.emplace_back(fmt::format("mean and std of '{}'", name), changed);
  }
  Preprocess plain = in_use;
  plain.mean = {0, 0, 0};
  plain.std = {1, 1, 1};
  if (!same_normalization(plain, in_use)) normalizations.emplace_back("mean 0 and std 1", plain);
  for (const auto& [change, preprocess] : normalizations) {
    if (!change.empty()) add_candidate(list, change, preprocess);
    Preprocess turned = preprocess;
    turned.channels = in_use.channels == ChannelOrder::rgb ? ChannelOrder::bgr : ChannelOrder::rgb;
    // Mean and std stay with their colours unless they were tried in both orders.
    std::swap(turned.mean[0], turned.mean[2]);
    std::swap(turned.std[0], turned.std[2]);
    const char* order = turned.channels == ChannelOrder::bgr ? "channels BGR" : "channels RGB";
    add_candidate(list, change.empty() ? order : fmt::format("{}, {}", change, order), turned);
  }
}

void add_geometries(const Preprocess& in_use, std::vector<PreprocessScore>& list) {
  for (const double crop_pct : {0.875, 1.0}) {
    Preprocess changed = in_use;
    changed.resize = ResizeMode::short_edge;
    changed.resize_to.reset();
    changed.crop_pct = crop_pct;
    if (in_use.resize != ResizeMode::short_edge || in_use.resize_to || std::abs(in_use.crop_pct - crop_pct) > 0.03) {
      add_candidate(list, fmt::format("short edge resized for crop_pct {}", crop_pct), changed);
    }
  }
  Preprocess squashed = in_use;
  squashed.resize = ResizeMode::squash;
  squashed.resize_to.reset();
  squashed.crop_pct = 1.0;
  if (in_use.resize != ResizeMode::squash) add_candidate(list, "both edges resized (squash)", squashed);
  Preprocess other_filter = in_use;
  const bool is_bicubic = in_use.interpolation == Interpolation::bicubic;
  other_filter.interpolation = is_bicubic ? Interpolation::bilinear : Interpolation::bicubic;
  if (in_use.resize != ResizeMode::none) add_candidate(list, is_bicubic ? "bilinear" : "bicubic", other_filter);
}

}  // namespace

std::vector<PreprocessScore> preprocess_candidates(const Preprocess& in_use) {
  std::vector<PreprocessScore> list;
  add_normalizations(in_use, list);
  add_geometries(in_use, list);
  return list;
}

PreprocessCheck check_preprocess(const ModelFile& model, const std::vector<Sample>& samples, const Preprocess& in_use,
                                 const EvalOptions& options, Progress& progress, bool measure_all) {
  std::vector<Sample> labelled;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(labelled),
               [](const Sample& sample) { return sample.label.has_value(); });
  NQ_CHECK(!labelled.empty(), input, "no image has a label to check the preprocessing with");
  return Guard(model, std::move(labelled), in_use, options, progress).run(measure_all);
}

bool is_far_below(const PreprocessScore& in_use, double expected_top1) {
  constexpr double kConfidence = 0.999;
  return wilson_interval(in_use.correct, in_use.images, kConfidence).high < expected_top1;
}

std::string describe(const PreprocessCheck& check) {
  const auto line = [](const PreprocessScore& score) {
    return fmt::format("{}: top-1 {:.1f} % ({} of {}), cross-entropy {:.3f}", score.change, 100 * score.top1(), score.correct,
                       score.images, score.loss);
  };
  std::string text = "preprocessing " + line(check.in_use);
  if (!check.better) return text + fmt::format("; none of {} others is significantly better", check.candidates.size());
  const PreprocessScore& better = check.candidates[*check.better];
  return text + fmt::format("; significantly better ({:.1f} standard errors) with {}", better.z, line(better));
}

}  // namespace nq
