#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nq/evaluate.hpp"

namespace nq {

/// One shard of an evaluation and how far it has come.
struct EvalPart {
  std::int64_t shard = 1;    ///< 1..of
  std::int64_t of = 1;       ///< number of shards
  std::int64_t samples = 0;  ///< images of this shard
  std::int64_t done = 0;     ///< of these, evaluated or left out; always the first ones

  bool complete() const noexcept { return done == samples; }
};

/// Everything that decides the counts: equal identities mean that parts belong to one evaluation.
struct EvalIdentity {
  std::string model_sha256;
  std::string reference_sha256;  ///< empty without a reference
  std::string images_sha256;     ///< names, sizes and labels of all images, in the order of evaluation
  std::int64_t images = 0;       ///< of all shards
  std::int64_t labelled = 0;     ///< of all shards
  std::string preprocess;        ///< JSON
  std::string kernels;
  std::string classes;           ///< ClassView::text()

  bool operator==(const EvalIdentity&) const = default;
};

/// The identity of evaluating `samples`, of all shards, in this order.
EvalIdentity identify_evaluation(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& samples,
                                 const Preprocess& preprocess, const EvalOptions& options);

/// A saved evaluation: to go on from, or to add to others.
struct EvalState {
  EvalIdentity identity;
  std::vector<EvalPart> parts;  ///< sorted by shard
  EvalCounts counts;
  std::vector<SkippedImage> skipped;
  double seconds = 0;  ///< of all parts together

  /// All images of all shards are in.
  bool complete() const noexcept;
};

/// Digest over name, file size and label of every sample, in order.
std::string samples_sha256(const std::vector<Sample>& samples);

/// Samples of shard `shard` of `of`: every of-th from the shard-th on, counted from 1. Throws Error(usage)
/// outside 1..of.
std::vector<Sample> shard_of(const std::vector<Sample>& samples, std::int64_t shard, std::int64_t of);

/// The samples in an order that depends on seed and names alone.
std::vector<Sample> shuffled(std::vector<Sample> samples, std::uint64_t seed);

/// Adds the counts of parts of one evaluation. Throws Error(usage) naming what differs when they are not of
/// one, when a shard is there twice, or when they were split differently.
EvalState merge(const std::vector<EvalState>& states);

/// JSON, schema 1; the same state gives the same text.
std::string eval_state_to_json(const EvalState& state);
/// Throws Error(input) naming the key that is missing, of the wrong type or contradicts another.
EvalState eval_state_from_json(const std::string& text, const std::string& source);
EvalState load_eval_state(const std::filesystem::path& path);
void save_eval_state(const std::filesystem::path& path, const EvalState& state);

}  // namespace nq
