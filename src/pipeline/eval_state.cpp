#include "nq/eval_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/check.hpp"
#include "core/hash.hpp"
#include "core/rng.hpp"

namespace nq {
namespace {

/// Names the first thing in which two evaluations differ.
void check_same(const EvalIdentity& first, const EvalIdentity& other) {
  const auto check = [](bool same, const char* what) {
    NQ_CHECK(same, usage, "the counts are not of one evaluation: they differ in {}", what);
  };
  check(first.model_sha256 == other.model_sha256, "the model");
  check(first.reference_sha256 == other.reference_sha256, "the reference");
  check(first.preprocess == other.preprocess, "the preprocessing");
  check(first.classes == other.classes, "the classes");
  check(first.kernels == other.kernels, "the kernels");
  check(first == other, "the images, their labels or their order");
}

}  // namespace

EvalIdentity identify_evaluation(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& samples,
                                 const Preprocess& preprocess, const EvalOptions& options) {
  EvalIdentity identity;
  identity.model_sha256 = model.sha256();
  if (reference != nullptr) identity.reference_sha256 = reference->sha256();
  identity.images_sha256 = samples_sha256(samples);
  identity.images = static_cast<std::int64_t>(samples.size());
  identity.labelled = std::count_if(samples.begin(), samples.end(), [](const Sample& sample) { return sample.label.has_value(); });
  identity.preprocess = nlohmann::ordered_json::parse(preprocess_to_json(preprocess)).dump();
  identity.kernels = options.kernels == KernelChoice::automatic ? "auto" : "reference";
  identity.classes = options.classes.text();
  return identity;
}

bool EvalState::complete() const noexcept {
  std::int64_t samples = 0;
  for (const EvalPart& part : parts) {
    if (!part.complete()) return false;
    samples += part.samples;
  }
  return samples == identity.images;
}

std::string samples_sha256(const std::vector<Sample>& samples) {
  Sha256 digest;
  for (const Sample& sample : samples) {
    std::error_code unreadable;
    const auto bytes = std::filesystem::file_size(sample.path, unreadable);
    digest.update(fmt::format("{}\t{}\t{}\n", sample.name, unreadable ? 0 : bytes, sample.label.value_or(-1)));
  }
  return digest.hex();
}

std::vector<Sample> shard_of(const std::vector<Sample>& samples, std::int64_t shard, std::int64_t of) {
  NQ_CHECK(of >= 1 && shard >= 1 && shard <= of, usage, "there is no shard {} of {}", shard, of);
  std::vector<Sample> part;
  for (auto at = static_cast<std::size_t>(shard - 1); at < samples.size(); at += static_cast<std::size_t>(of)) {
    part.push_back(samples[at]);
  }
  return part;
}

std::vector<Sample> shuffled(std::vector<Sample> samples, std::uint64_t seed) {
  const auto rank = [seed](const Sample& sample) {
    return std::pair(RandomStream(seed, sample.name).next(), std::string_view(sample.name));
  };
  std::sort(samples.begin(), samples.end(),
            [&](const Sample& left, const Sample& right) { return rank(left) < rank(right); });
  return samples;
}

EvalState merge(const std::vector<EvalState>& states) {
  NQ_CHECK(!states.empty(), usage, "nothing to merge");
  EvalState merged = states.front();
  for (std::size_t k = 1; k < states.size(); ++k) {
    const EvalState& other = states[k];
    check_same(merged.identity, other.identity);
    for (const EvalPart& part : other.parts) {
      for (const EvalPart& present : merged.parts) {
        NQ_CHECK(part.of == present.of, usage, "shards of {} and of {} cannot be added", present.of, part.of);
        NQ_CHECK(part.shard != present.shard, usage, "shard {} of {} is there twice", part.shard, part.of);
      }
    }
    merged.parts.insert(merged.parts.end(), other.parts.begin(), other.parts.end());
    merged.counts.add(other.counts);
    merged.skipped.insert(merged.skipped.end(), other.skipped.begin(), other.skipped.end());
    merged.seconds += other.seconds;
  }
  const auto by_shard = [](const EvalPart& left, const EvalPart& right) { return left.shard < right.shard; };
  std::sort(merged.parts.begin(), merged.parts.end(), by_shard);
  return merged;
}

}  // namespace nq
