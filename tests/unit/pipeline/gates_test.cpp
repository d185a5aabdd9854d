#include "nq/gates.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/rng.hpp"
#include "support/errors.hpp"

using namespace nq;

namespace {

constexpr int kDraws = 100;
/// At 95 % confidence at most five of 100 draws may go wrong on average; ten are 2.3 standard deviations more.
constexpr int kMaxWrong = 10;

/// What one image adds.
struct Outcome {
  bool model = false;
  bool reference = false;
  double mse = 0;
};

void add(EvalCounts& counts, const Outcome& outcome) {
  counts.classes = 10;
  ++counts.images;
  ++counts.labelled;
  ++counts.compared;
  counts.top1_correct += outcome.model ? 1 : 0;
  counts.reference_correct += outcome.reference ? 1 : 0;
  counts.both_correct += outcome.model && outcome.reference ? 1 : 0;
  counts.agreeing += outcome.model == outcome.reference ? 1 : 0;
  counts.squared_difference.add(outcome.mse);
  counts.fourth_difference.add(outcome.mse * outcome.mse);
}

/// A folder: reference right in 80 %, `lost` of all images lost by the model and `gained` gained.
std::vector<Outcome> make_folder(int size, double lost, double gained) {
  std::vector<Outcome> folder(static_cast<std::size_t>(size));
  const auto upto = [&](double share) { return static_cast<std::size_t>(std::lround(share * size)); };
  for (std::size_t k = 0; k < folder.size(); ++k) {
    Outcome& outcome = folder[k];
    outcome.reference = k < upto(0.8);
    outcome.model = outcome.reference ? k >= upto(lost) : k < upto(0.8) + upto(gained);
    RandomStream random(k, "mse");
    outcome.mse = 0.01 * std::exp(random.normal());
  }
  return folder;
}

void shuffle(std::vector<Outcome>& folder, RandomStream& random) {
  for (std::size_t k = folder.size(); k > 1; --k) std::swap(folder[k - 1], folder[random.next() % k]);
}

/// Gates passed in draws of `size` images with replacement.
int passes(const std::vector<Outcome>& folder, int size, const GateLimits& limits) {
  int passed = 0;
  RandomStream random(11, "bootstrap");
  for (int draw = 0; draw < kDraws; ++draw) {
    EvalCounts counts;
    for (int k = 0; k < size; ++k) add(counts, folder[random.next() % folder.size()]);
    passed += all_passed(judge_gates(counts, limits)) ? 1 : 0;
  }
  return passed;
}

struct SequentialOutcome {
  int passed = 0;
  double seen = 0;  ///< mean fraction of the folder
};

SequentialOutcome run_sequential(std::vector<Outcome> folder, const GateLimits& limits) {
  SequentialOutcome result;
  RandomStream random(5, "orders");
  const auto size = static_cast<std::int64_t>(folder.size());
  const SequentialGates gates(limits, {size, size});
  for (int draw = 0; draw < kDraws; ++draw) {
    shuffle(folder, random);
    EvalCounts counts;
    for (const Outcome& outcome : folder) {
      add(counts, outcome);
      if (!gates.go_on(counts)) break;
    }
    result.passed += all_passed(gates.judge(counts)) ? 1 : 0;
    result.seen += static_cast<double>(counts.images) / static_cast<double>(size) / kDraws;
  }
  return result;
}

double mean_mse(const std::vector<Outcome>& folder) {
  return std::accumulate(folder.begin(), folder.end(), 0.0, [](double sum, const Outcome& item) { return sum + item.mse; }) /
         static_cast<double>(folder.size());
}

GateLimits top1_gate(double limit) {
  GateLimits limits;
  limits.min_top1 = limit;
  return limits;
}

GateLimits drop_gate(double limit) {
  GateLimits limits;
  limits.max_drop = limit;
  return limits;
}

GateLimits agreement_gate(double limit) {
  GateLimits limits;
  limits.min_agreement = limit;
  return limits;
}

GateLimits mse_gate(double limit) {
  GateLimits limits;
  limits.max_logit_mse = limit;
  return limits;
}

}  // namespace

TEST_CASE("gates pass below and fail above the true value", "[pipeline][gates]") {
  // 1,000 of a folder with top-1 78 %, drop 2 points, agreement 94 %. The margins are the half-widths of the
  // 95 % intervals: z sqrt(p q / n), and its like for the paired difference and the mean.
  const auto folder = make_folder(50000, 0.04, 0.02);
  const double mse = mean_mse(folder);
  CHECK(passes(folder, 1000, top1_gate(0.78 - 0.0257)) >= kDraws - kMaxWrong);
  CHECK(passes(folder, 1000, top1_gate(0.78 + 0.0257)) <= kMaxWrong);
  CHECK(passes(folder, 1000, drop_gate(0.02 + 0.0152)) >= kDraws - kMaxWrong);
  CHECK(passes(folder, 1000, drop_gate(0.02 - 0.0152)) <= kMaxWrong);
  CHECK(passes(folder, 1000, agreement_gate(0.94 - 0.0147)) >= kDraws - kMaxWrong);
  CHECK(passes(folder, 1000, agreement_gate(0.94 + 0.0147)) <= kMaxWrong);
  CHECK(passes(folder, 1000, mse_gate(mse * 1.085)) >= kDraws - kMaxWrong);
  CHECK(passes(folder, 1000, mse_gate(mse / 1.085)) <= kMaxWrong);
}

TEST_CASE("a proven gate passes a value at its limit as rarely as stated", "[pipeline][gates]") {
  const auto folder = make_folder(50000, 0.04, 0.02);
  GateLimits limits = top1_gate(0.78);
  limits.proven = true;
  CHECK(passes(folder, 1000, limits) <= kMaxWrong);
  limits = drop_gate(0.02);
  limits.proven = true;
  CHECK(passes(folder, 1000, limits) <= kMaxWrong);
  // Twice the half-width away the proof nearly always succeeds.
  limits = top1_gate(0.78 - 2 * 0.0257);
  limits.proven = true;
  CHECK(passes(folder, 1000, limits) >= kDraws - kMaxWrong);
}

TEST_CASE("a sequential gate decides rightly with fewer images", "[pipeline][gates]") {
  const auto folder = make_folder(10000, 0.04, 0.02);
  const double mse = mean_mse(folder);
  struct Case {
    const char* name;
    GateLimits limits;
    bool passes;
  };
  const std::vector<Case> cases = {
      {"top-1 2 points below", top1_gate(0.76), true},      {"top-1 2 points above", top1_gate(0.80), false},
      {"drop 1 point above", drop_gate(0.03), true},        {"drop 1 point below", drop_gate(0.01), false},
      {"agreement 1 point below", agreement_gate(0.93), true}, {"agreement 1 point above", agreement_gate(0.95), false},
      {"logit MSE 10 % above", mse_gate(1.1 * mse), true},  {"logit MSE 10 % below", mse_gate(0.9 * mse), false},
  };
  double seen = 0;
  for (const Case& item : cases) {
    const SequentialOutcome outcome = run_sequential(folder, item.limits);
    const int wrong = item.passes ? kDraws - outcome.passed : outcome.passed;
    INFO(item.name << ": " << wrong << " of " << kDraws << " wrong, " << 100 * outcome.seen << " % of the images");
    CHECK(wrong <= kMaxWrong);
    CHECK(outcome.seen < 0.8);
    seen += outcome.seen / static_cast<double>(cases.size());
  }
  WARN("sequential gates need " << 100 * seen << " % of 10,000 images on average");
  CHECK(seen < 0.5);
}

TEST_CASE("at the limit itself early decisions err as rarely as stated", "[pipeline][gates]") {
  // One image too few, or just enough, of 2,000: the hardest cases there are.
  const auto folder = make_folder(2000, 0.04, 0.02);
  CHECK(run_sequential(folder, top1_gate(0.78)).passed >= kDraws - kMaxWrong);
  CHECK(run_sequential(folder, top1_gate(0.7805)).passed <= kMaxWrong);
  CHECK(run_sequential(folder, drop_gate(0.02)).passed >= kDraws - kMaxWrong);
  CHECK(run_sequential(folder, drop_gate(0.0195)).passed <= kMaxWrong);
}

TEST_CASE("gates say what they lack", "[pipeline][gates]") {
  EvalCounts counts;
  counts.images = 4;
  CHECK_ERROR(judge_gates(counts, top1_gate(0.5)), usage, "labels");
  counts.labelled = 4;
  CHECK_ERROR(judge_gates(counts, drop_gate(0.5)), usage, "--reference");
  counts.top1_correct = 1;
  counts.top5_correct = 4;
  const auto gates = judge_gates(counts, top1_gate(0.5));
  CHECK_FALSE(all_passed(gates));
  CHECK_ERROR(throw_failed_gates(gates), gate, "--min-top1: top-1 over 4 images 25.00 % is below 50.00 %");
}
