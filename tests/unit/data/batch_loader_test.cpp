#include "nq/batch_loader.hpp"

#include "core/parallel.hpp"
#include "data_test_support.hpp"

using namespace nq;
using namespace nq::test;

namespace {

/// Sets the thread count for one test.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) { set_num_threads(threads); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
  ~ThreadCount() { set_num_threads(0); }
};

Preprocess small_preprocess() { return preprocess_preset("inception", 12, 10); }

/// `count` images; those whose number is listed in `bad` hold text.
std::vector<Sample> write_images(const TempFolder& folder, int count, const std::vector<int>& bad = {}) {
  std::vector<Sample> samples;
  for (int number = 0; number < count; ++number) {
    const std::string name = "i" + std::to_string(100 + number) + ".bmp";
    const bool is_bad = std::find(bad.begin(), bad.end(), number) != bad.end();
    const Image image = make_image(20 + number, 31 - number % 7, static_cast<std::uint32_t>(number));
    samples.push_back({folder.write(name, is_bad ? "no image" : encode_bmp(image)), name, std::nullopt});
  }
  return samples;
}

struct Loaded {
  std::vector<std::size_t> indices;
  std::vector<float> values;
  std::vector<std::size_t> batch_sizes;
  std::vector<SkippedImage> skipped;
};

Loaded load_all(const std::vector<Sample>& samples, std::int64_t batch, BadImages bad_images) {
  BatchLoader loader(samples, small_preprocess(), batch, bad_images);
  Loaded loaded;
  while (const auto next = loader.next()) {
    REQUIRE(next->images.shape() == Shape{static_cast<std::int64_t>(next->sample_index.size()), 3, 12, 10});
    loaded.batch_sizes.push_back(next->sample_index.size());
    loaded.indices.insert(loaded.indices.end(), next->sample_index.begin(), next->sample_index.end());
    const auto values = next->images.span<float>();
    loaded.values.insert(loaded.values.end(), values.begin(), values.end());
  }
  CHECK_FALSE(loader.next().has_value());
  CHECK(loader.decode_seconds() > 0.0);
  loaded.skipped = loader.skipped();
  return loaded;
}

}  // namespace

TEST_CASE("batches hold the preprocessed images in order", "[data]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 7);
  const Loaded loaded = load_all(samples, 3, BadImages::fail);
  CHECK(loaded.batch_sizes == std::vector<std::size_t>{3, 3, 1});
  CHECK(loaded.indices == std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6});
  std::vector<float> expected(3 * 12 * 10);
  for (std::size_t index = 0; index < samples.size(); ++index) {
    apply_preprocess(load_image(samples[index].path), small_preprocess(), expected);
    CHECK(std::equal(expected.begin(), expected.end(),
                     loaded.values.begin() + static_cast<std::ptrdiff_t>(index * expected.size())));
  }
}

TEST_CASE("skipped images leave no gap and nothing depends on batch size or threads", "[data]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 11, {0, 3, 4, 5, 10});
  const Loaded one = load_all(samples, 1, BadImages::skip);
  CHECK(one.indices == std::vector<std::size_t>{1, 2, 6, 7, 8, 9});
  REQUIRE(one.skipped.size() == 5);
  CHECK(one.skipped[1].name == "i103.bmp");
  CHECK(one.skipped[1].reason.find("not a JPEG, PNG or BMP image") != std::string::npos);
  for (const int threads : {1, 2, 4}) {
    const ThreadCount setting(threads);
    for (const std::int64_t batch : {1, 2, 4, 5, 64}) {
      INFO("threads " << threads << " batch " << batch);
      const Loaded loaded = load_all(samples, batch, BadImages::skip);
      CHECK(loaded.indices == one.indices);
      CHECK(loaded.values == one.values);
      REQUIRE(loaded.skipped.size() == one.skipped.size());
      for (std::size_t at = 0; at < one.skipped.size(); ++at) {
        CHECK(loaded.skipped[at].name == one.skipped[at].name);
        CHECK(loaded.skipped[at].reason == one.skipped[at].reason);
      }
      for (std::size_t at = 0; at + 1 < loaded.batch_sizes.size(); ++at) {
        CHECK(loaded.batch_sizes[at] == static_cast<std::size_t>(batch));
      }
    }
  }
}

TEST_CASE("the first bad image in order ends the loading, and again when asked again", "[data][hostile]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 9, {4, 6, 7});
  for (const int threads : {1, 4}) {
    const ThreadCount setting(threads);
    BatchLoader loader(samples, small_preprocess(), 4, BadImages::fail);
    CHECK(loader.next()->sample_index.size() == 4);
    for (int attempt = 0; attempt < 2; ++attempt) {
      require_error(ErrorKind::input, {"i104.bmp", "--bad-images skip"}, [&] { loader.next(); });
    }
  }
}

TEST_CASE("a folder of bad images only is an input error", "[data][hostile]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 3, {0, 1, 2});
  BatchLoader loader(samples, small_preprocess(), 2, BadImages::skip);
  require_error(ErrorKind::input, {"none of the 3 images", "i100.bmp"}, [&] { loader.next(); });
  CHECK(loader.skipped().size() == 3);
}

TEST_CASE("an image that vanished is a bad image", "[data][hostile]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 3);
  std::filesystem::remove(samples[1].path);
  const Loaded loaded = load_all(samples, 2, BadImages::skip);
  CHECK(loaded.indices == std::vector<std::size_t>{0, 2});
  CHECK(loaded.skipped.at(0).name == "i101.bmp");
}

TEST_CASE("a loader may go away at any time", "[data]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 40);
  const ThreadCount setting(2);
  for (int taken = 0; taken < 6; ++taken) {
    BatchLoader loader(samples, small_preprocess(), 4, BadImages::fail);
    for (int batch = 0; batch < taken; ++batch) CHECK(loader.next().has_value());
  }
  std::optional<Batch> kept;
  {
    BatchLoader loader(samples, small_preprocess(), 4, BadImages::fail);
    kept = loader.next();
  }
  CHECK(kept->images.span<float>().size() == 4 * 3 * 12 * 10);
}

TEST_CASE("a loader refuses an empty list and a batch of none", "[data]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 1);
  require_error(ErrorKind::usage, {"batch size 0"},
                [&] { BatchLoader(samples, small_preprocess(), 0, BadImages::fail); });
  require_error(ErrorKind::input, {"no images"},
                [] { BatchLoader({}, small_preprocess(), 1, BadImages::fail); });
}

TEST_CASE("a pass can be gone on with from what was consumed", "[data]") {
  const TempFolder folder;
  const auto samples = write_images(folder, 9, {3, 7, 8});
  BatchLoader whole(samples, small_preprocess(), 4, BadImages::skip);
  REQUIRE(whole.next().has_value());
  CHECK(whole.consumed() == 5);
  REQUIRE(whole.next().has_value());
  CHECK(whole.consumed() == 9);
  CHECK(whole.skipped().size() == 3);
  // Nothing of the rest is usable: an error for a whole set, none for the end of one.
  const std::vector<Sample> rest(samples.begin() + 7, samples.end());
  BatchLoader alone(rest, small_preprocess(), 4, BadImages::skip);
  CHECK_THROWS_AS(alone.next(), Error);
  BatchLoader last(rest, small_preprocess(), 4, BadImages::skip, true);
  CHECK_FALSE(last.next().has_value());
  CHECK(last.consumed() == 2);
  CHECK(last.skipped().size() == 2);
}

TEST_CASE("samples whose pixels are known are not read", "[data]") {
  const TempFolder folder;
  auto samples = write_images(folder, 5);
  const std::vector<float> known(3 * 12 * 10, 0.25F);
  const std::string name = samples[2].name;
  std::filesystem::remove(samples[2].path);
  BatchLoader loader(samples, small_preprocess(), 5, BadImages::fail, false, [&](const Sample& sample) {
    return sample.name == name ? std::span<const float>(known) : std::span<const float>();
  });
  const std::optional<Batch> batch = loader.next();
  REQUIRE(batch->sample_index.size() == 5);
  const auto values = batch->images.span<float>();
  CHECK(std::ranges::equal(values.subspan(2 * known.size(), known.size()), known));
  std::vector<float> read(known.size());
  apply_preprocess(load_image(samples[3].path), small_preprocess(), read);
  CHECK(std::ranges::equal(values.subspan(3 * known.size(), known.size()), read));
}
