#include "eval_session.hpp"

#include <fmt/format.h>

#include "log_output.hpp"
#include "nq/error.hpp"
#include "output_check.hpp"

namespace nq {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The saved state of this shard of this evaluation.
EvalState load_own_state(const std::filesystem::path& path, const EvalState& expected) {
  EvalState saved = load_eval_state(path);
  const EvalPart& part = expected.parts.front();
  const bool same_shard = saved.parts.size() == 1 && saved.parts.front().shard == part.shard &&
                          saved.parts.front().of == part.of && saved.parts.front().samples == part.samples;
  if (saved.identity != expected.identity || !same_shard) {
    throw Error(ErrorKind::usage,
                fmt::format("'{}' holds the counts of another evaluation: model, reference, images, labels, "
                            "preprocessing, classes, kernels, order and shard must be the same",
                            path.string()),
                "name another file with --state");
  }
  return saved;
}

}  // namespace

EvalSession::EvalSession(SessionOptions options, EvalIdentity identity, const std::vector<Sample>& samples)
    : options_(std::move(options)), samples_(shard_of(samples, options_.shard, options_.of)), saved_(Clock::now()) {
  state_.identity = std::move(identity);
  state_.parts = {{options_.shard, options_.of, static_cast<std::int64_t>(samples_.size()), 0}};
  if (options_.resume && options_.state.empty()) throw Error(ErrorKind::usage, "--resume needs the file named by --state");
  if (!options_.state.empty()) {
    if (std::filesystem::exists(options_.state)) {
      if (!options_.resume) {
        throw Error(ErrorKind::usage, fmt::format("'{}' is there already", options_.state.string()),
                    "--resume goes on from it; remove it to start again");
      }
      state_ = load_own_state(options_.state, state_);
      log_note(fmt::format("going on from '{}': {} of {} images are done", options_.state.string(),
                           state_.parts.front().done, state_.parts.front().samples));
    }
    check_output(options_.state, {});
  }
  start_ = state_;
}

void EvalSession::save() {
  if (options_.state.empty()) return;
  save_eval_state(options_.state, state_);
  saved_ = Clock::now();
}

void EvalSession::checkpoint(const EvalProgress& progress, double seconds) {
  state_.counts = progress.counts;
  state_.parts.front().done = start_.parts.front().done + progress.consumed;
  state_.skipped = start_.skipped;
  state_.skipped.insert(state_.skipped.end(), progress.skipped.begin(), progress.skipped.end());
  state_.seconds = start_.seconds + seconds;
  if (seconds_since(saved_) >= options_.save_every_s) save();
}

EvalReport EvalSession::report() const {
  EvalReport report = report_of(state_.counts);
  report.skipped_images = state_.skipped;
  report.seconds = state_.seconds;
  return report;
}

EvalReport EvalSession::run(const ModelFile& model, const ModelFile* reference, const Preprocess& preprocess,
                            const EvalOptions& options, const SequentialGates* gates, Progress& progress) {
  const bool decided = gates != nullptr && state_.counts.images > 0 && !gates->go_on(state_.counts);
  if (state_.parts.front().complete() || decided) return report();
  const std::vector<Sample> left(samples_.begin() + state_.parts.front().done, samples_.end());
  const Clock::time_point start = Clock::now();
  EvalHooks hooks;
  hooks.start = state_.counts;
  if (gates != nullptr) hooks.go_on = [gates](const EvalCounts& counts) { return gates->go_on(counts); };
  hooks.checkpoint = [&](const EvalProgress& now) { checkpoint(now, seconds_since(start)); };
  try {
    evaluate(model, reference, left, preprocess, options, progress, hooks);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::interrupted || options_.state.empty()) throw;
    save();
    throw error.with_frame(fmt::format("{} of {} images are saved in '{}'; --resume goes on", state_.parts.front().done,
                                       state_.parts.front().samples, options_.state.string()));
  }
  save();
  return report();
}

}  // namespace nq
