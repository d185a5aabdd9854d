#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "nq/eval_state.hpp"
#include "nq/gates.hpp"

namespace nq {

/// Where an evaluation is saved and which part of it runs.
struct SessionOptions {
  std::filesystem::path state;      ///< empty: nothing is saved
  bool resume = false;
  double save_every_s = 30;         ///< 0 saves after every batch
  std::int64_t shard = 1;
  std::int64_t of = 1;
};

/// One evaluation that can be saved, interrupted, gone on with and split.
class EvalSession {
 public:
  /// Reads the saved state when there is one to go on from. Throws Error(usage) when it belongs to another
  /// evaluation, or when there is one and `resume` is not set.
  EvalSession(SessionOptions options, EvalIdentity identity, const std::vector<Sample>& samples);

  /// Evaluates what is left. Stops early when `gates` says so. Interrupted work is saved, and the error says so.
  EvalReport run(const ModelFile& model, const ModelFile* reference, const Preprocess& preprocess,
                 const EvalOptions& options, const SequentialGates* gates, Progress& progress);

  const EvalState& state() const noexcept { return state_; }

 private:
  void checkpoint(const EvalProgress& progress, double seconds);
  void save();
  EvalReport report() const;

  SessionOptions options_;
  std::vector<Sample> samples_;  ///< of this shard
  EvalState state_;
  EvalState start_;              ///< as it was when the session began
  std::chrono::steady_clock::time_point saved_;
};

}  // namespace nq
