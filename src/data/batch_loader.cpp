#include "nq/batch_loader.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "core/check.hpp"
#include "core/parallel.hpp"
#include "core/tensor_part.hpp"
#include "nq/interrupt.hpp"

namespace nq {
namespace {

/// What one turn of the reader yields.
struct Delivery {
  std::optional<Batch> batch;  ///< nothing after the last
  std::vector<SkippedImage> skipped;
  std::size_t consumed = 0;  ///< samples that this and the deliveries before came from
  double seconds = 0.0;
  std::exception_ptr error;
};

/// Prepares batches one after the other. Used by one thread at a time.
class BatchReader {
 public:
  BatchReader(std::vector<Sample> samples, Preprocess preprocess, std::int64_t batch, BadImages bad_images,
              bool has_images, KnownValues known)
      : samples_(std::move(samples)),
        preprocess_(std::move(preprocess)),
        batch_(static_cast<std::size_t>(batch)),
        bad_images_(bad_images),
        has_images_(has_images),
        known_(std::move(known)) {}

  Delivery read(const std::stop_token& stop) {
    const auto start = std::chrono::steady_clock::now();
    Delivery delivery;
    try {
      fill(delivery, stop);
    } catch (...) {
      delivery.error = std::current_exception();
    }
    delivery.consumed = cursor_;
    delivery.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return delivery;
  }

 private:
  std::size_t image_elements() const {
    return 3 * static_cast<std::size_t>(preprocess_.height) * static_cast<std::size_t>(preprocess_.width);
  }

  Tensor make_tensor(std::size_t images) const {
    return Tensor(
        {DType::f32, {static_cast<std::int64_t>(images), 3, preprocess_.height, preprocess_.width}});
  }

  void fill(Delivery& delivery, const std::stop_token& stop) {
    const std::size_t capacity = std::min(batch_, samples_.size() - cursor_);
    if (capacity > 0) {
      Tensor images = make_tensor(capacity);
      std::vector<std::size_t> indices;
      while (indices.size() < capacity && cursor_ < samples_.size() && !stop.stop_requested()) {
        append_wave(images.mutable_span<float>(), capacity, indices, delivery.skipped, stop);
      }
      if (!indices.empty()) delivery.batch = Batch{tensor_part(images, 0, static_cast<std::int64_t>(indices.size())), std::move(indices)};
    }
    if (!delivery.skipped.empty() && !first_reason_) first_reason_ = delivery.skipped.front().reason;
    has_images_ = has_images_ || delivery.batch.has_value();
    NQ_CHECK(has_images_ || stop.stop_requested(), input, "none of the {} images is usable; the first: {}",
             samples_.size(), first_reason_.value_or("no reason"));
  }

  /// Decodes as many samples as there are free places, then closes the gaps that bad ones leave.
  void append_wave(std::span<float> pixels, std::size_t capacity, std::vector<std::size_t>& indices,
                   std::vector<SkippedImage>& skipped, const std::stop_token& stop) {
    const std::size_t first_place = indices.size();
    const std::size_t wave = std::min(capacity - first_place, samples_.size() - cursor_);
    const auto place_of = [&](std::size_t place) {
      return pixels.subspan(place * image_elements(), image_elements());
    };
    std::vector<std::optional<std::string>> reasons(wave);
    parallel_for(0, static_cast<std::int64_t>(wave), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto item = static_cast<std::size_t>(begin); item < static_cast<std::size_t>(end); ++item) {
        if (stop.stop_requested()) return;
        reasons[item] = decode(samples_[cursor_ + item], place_of(first_place + item));
      }
    });
    for (std::size_t item = 0; item < wave; ++item) {
      const std::size_t index = cursor_ + item;
      if (reasons[item]) {
        skipped.push_back({samples_[index].name, *reasons[item]});
        continue;
      }
      const std::size_t place = indices.size();
      if (place != first_place + item)
        std::ranges::copy(place_of(first_place + item), place_of(place).begin());
      indices.push_back(index);
    }
    cursor_ += wave;
  }

  /// Returns why the image is left out, or nothing when it is there.
  std::optional<std::string> decode(const Sample& sample, std::span<float> chw) const {
    check_interrupt();
    if (const auto pixels = known_ ? known_(sample) : std::span<const float>(); !pixels.empty()) {
      std::ranges::copy(pixels, chw.begin());
      return std::nullopt;
    }
    try {
      apply_preprocess(load_image(sample.path), preprocess_, chw);
      return std::nullopt;
    } catch (const Error& error) {
      const bool is_the_image = error.kind() == ErrorKind::input || error.kind() == ErrorKind::resource;
      if (!is_the_image) throw;
      if (bad_images_ == BadImages::skip) return error.message();
      throw Error(error.kind(), error.message(), "--bad-images skip leaves such images out");
    }
  }

  std::vector<Sample> samples_;
  Preprocess preprocess_;
  std::size_t batch_;
  BadImages bad_images_;
  std::size_t cursor_ = 0;  ///< next sample to decode
  bool has_images_;         ///< some image was usable
  KnownValues known_;       ///< may be empty
  std::optional<std::string> first_reason_;
};

bool is_last(const Delivery& delivery) { return !delivery.batch || delivery.error; }

/// Runs a reader on its own thread and hands over one delivery at a time.
class Prefetcher {
 public:
  explicit Prefetcher(BatchReader& reader) {
    try {
      thread_ = std::jthread([this, &reader](const std::stop_token& stop) { work(reader, stop); });
    } catch (const std::system_error& error) {
      fail(ErrorKind::resource, "cannot start a thread that reads images: {}", error.what());
    }
  }

  Delivery take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ready_.has_value(); });
    Delivery delivery = std::move(*ready_);
    ready_.reset();
    changed_.notify_all();
    return delivery;
  }

 private:
  void work(BatchReader& reader, const std::stop_token& stop) {
    bool is_done = false;
    while (!is_done) {
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [this] { return !ready_.has_value(); })) return;
      }
      Delivery delivery = reader.read(stop);
      is_done = is_last(delivery);
      const std::lock_guard lock(mutex_);
      ready_ = std::move(delivery);
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Delivery> ready_;
  std::jthread thread_;  ///< last: it stops and joins before what it uses goes away
};

}  // namespace

struct BatchLoader::State {
  explicit State(BatchReader batch_reader) : reader(std::move(batch_reader)) {
    if (num_threads() > 1) prefetcher.emplace(reader);
  }

  Delivery take() { return prefetcher ? prefetcher->take() : reader.read(std::stop_token()); }

  BatchReader reader;
  std::optional<Prefetcher> prefetcher;
  std::vector<SkippedImage> skipped;
  std::size_t consumed = 0;
  double seconds = 0.0;
  bool is_done = false;
  std::exception_ptr error;
};

BatchLoader::BatchLoader(std::vector<Sample> samples, Preprocess preprocess, std::int64_t batch,
                         BadImages bad_images, bool goes_on, KnownValues known) {
  NQ_CHECK(batch > 0, usage, "batch size {} is not positive", batch);
  NQ_CHECK(!samples.empty(), input, "there are no images to load");
  state_ = std::make_unique<State>(BatchReader(std::move(samples), std::move(preprocess), batch, bad_images, goes_on, std::move(known)));
}

BatchLoader::~BatchLoader() = default;

std::optional<Batch> BatchLoader::next() {
  if (state_->error) std::rethrow_exception(state_->error);
  if (state_->is_done) return std::nullopt;
  Delivery delivery = state_->take();
  state_->is_done = is_last(delivery);
  state_->error = delivery.error;
  state_->seconds += delivery.seconds;
  state_->consumed = delivery.consumed;
  std::ranges::move(delivery.skipped, std::back_inserter(state_->skipped));
  if (delivery.error) std::rethrow_exception(delivery.error);
  return std::move(delivery.batch);
}

std::size_t BatchLoader::consumed() const noexcept { return state_->consumed; }

const std::vector<SkippedImage>& BatchLoader::skipped() const noexcept { return state_->skipped; }

double BatchLoader::decode_seconds() const noexcept { return state_->seconds; }

}  // namespace nq
