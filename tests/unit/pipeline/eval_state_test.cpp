#include "nq/eval_state.hpp"

#include <catch2/catch.hpp>

#include "core/rng.hpp"
#include "support/errors.hpp"

using namespace nq;

namespace {

EvalState make_state(std::int64_t shard, std::int64_t of, std::int64_t total) {
  EvalState state;
  state.identity = {"aa", "bb", "cc", total, total, "{\"schema\":1}", "auto", "all outputs"};
  EvalPart part{shard, of, 0, 0};
  state.counts.classes = 10;
  for (std::int64_t k = shard - 1; k < total; k += of) {
    RandomStream random(static_cast<std::uint64_t>(k), "image");
    ++part.samples;
    ++part.done;
    ++state.counts.images;
    ++state.counts.labelled;
    ++state.counts.compared;
    const bool correct = random.uniform() < 0.7;
    state.counts.top1_correct += correct ? 1 : 0;
    state.counts.top5_correct += correct ? 1 : 0;
    state.counts.squared_difference.add(std::exp(10 * random.normal()));
    state.counts.squared_reference.add(std::exp(10 * random.normal()));
  }
  state.parts = {part};
  return state;
}

}  // namespace

TEST_CASE("merged shards are the whole, to the last digit and in any order", "[pipeline][eval]") {
  const EvalState whole = make_state(1, 1, 97);
  CHECK(whole.complete());
  const EvalState merged = merge({make_state(3, 3, 97), merge({make_state(1, 3, 97), make_state(2, 3, 97)})});
  CHECK(merged.complete());
  CHECK_FALSE(merge({make_state(3, 3, 97), make_state(1, 3, 97)}).complete());
  CHECK(merged.parts.size() == 3);
  CHECK(merged.parts.front().shard == 1);
  const EvalReport one = report_of(whole.counts);
  const EvalReport other = report_of(merged.counts);
  CHECK(one.top1() == other.top1());
  CHECK(one.reference->logit_mse == other.reference->logit_mse);
  CHECK(one.reference->sqnr_db == other.reference->sqnr_db);
}

TEST_CASE("a saved state reads back the same", "[pipeline][eval]") {
  EvalState state = make_state(2, 3, 50);
  state.skipped = {{"a \"b\".png", "no image"}};
  ++state.parts[0].done;
  ++state.parts[0].samples;
  const std::string text = eval_state_to_json(state);
  const EvalState back = eval_state_from_json(text, "x");
  CHECK(eval_state_to_json(back) == text);
  CHECK(back.identity == state.identity);
  CHECK(back.counts.squared_difference.value() == state.counts.squared_difference.value());
}

TEST_CASE("counts of different evaluations are not added", "[pipeline][eval]") {
  EvalState other = make_state(2, 2, 97);
  CHECK_ERROR(merge({make_state(1, 2, 97), make_state(1, 2, 97)}), usage, "shard 1 of 2 is there twice");
  CHECK_ERROR(merge({make_state(1, 3, 97), other}), usage, "shards of 3 and of 2");
  other.identity.model_sha256 = "dd";
  CHECK_ERROR(merge({make_state(1, 2, 97), other}), usage, "they differ in the model");
  other = make_state(2, 2, 97);
  other.identity.images_sha256 = "dd";
  CHECK_ERROR(merge({make_state(1, 2, 97), other}), usage, "the images");
}

TEST_CASE("damaged counts files are input errors", "[pipeline][eval][hostile]") {
  const std::string good = eval_state_to_json(make_state(1, 1, 5));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  CHECK_ERROR(eval_state_from_json("{", "x.json"), input, "x.json");
  CHECK_ERROR(eval_state_from_json("[]", "x"), input, "must be an object");
  CHECK_ERROR(eval_state_from_json("{\"schema\": 1}", "x"), input, "kind");
  CHECK_ERROR(eval_state_from_json(replaced("\"schema\": 1", "\"schema\": 9"), "x"), input, "schema 9");
  CHECK_ERROR(eval_state_from_json(replaced("\"images\": 5,\n    \"labelled\": 5,\n    \"top1", "\"images\": 6,\n    \"labelled\": 5,\n    \"top1"), "x"),
              input, "counts 6 images");
  CHECK_ERROR(eval_state_from_json(replaced("\"done\": 5", "\"done\": 6"), "x"), input, "done");
}

TEST_CASE("shards split every list without loss, and an order depends on the seed alone", "[pipeline][eval]") {
  std::vector<Sample> samples;
  for (int k = 0; k < 11; ++k) samples.push_back({"", "image_" + std::to_string(k), std::nullopt});
  std::size_t total = 0;
  for (std::int64_t shard = 1; shard <= 4; ++shard) total += shard_of(samples, shard, 4).size();
  CHECK(total == samples.size());
  CHECK(shard_of(samples, 2, 4)[1].name == "image_5");
  CHECK_ERROR(shard_of(samples, 5, 4), usage, "no shard 5 of 4");
  CHECK_ERROR(shard_of(samples, 0, 4), usage, "no shard 0 of 4");
  auto reversed = samples;
  std::reverse(reversed.begin(), reversed.end());
  const auto order = shuffled(samples, 3);
  const auto same = shuffled(reversed, 3);
  bool moved = false;
  for (std::size_t k = 0; k < order.size(); ++k) {
    CHECK(order[k].name == same[k].name);
    moved = moved || order[k].name != samples[k].name;
  }
  CHECK(moved);
}
