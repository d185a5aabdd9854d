#include "pipeline/image_stream.hpp"

#include "core/stopwatch.hpp"

namespace nq {
namespace {

constexpr std::int64_t kLoadBatch = 16;

}  // namespace

CalibrationProgress ImageStream::run(CalibrationProgress start, const Consume& consume, const Keep& keep, PhaseSeconds& seconds,
                                     Progress& progress) const {
  const auto count = static_cast<std::int64_t>(images_.size());
  progress.begin("calibrating", count, "images");
  progress.advance(start.consumed);
  if (start.consumed < count) start = run_rest(start, consume, keep, seconds, progress);
  progress.end();
  return start;
}

CalibrationProgress ImageStream::run_rest(const CalibrationProgress& start, const Consume& consume, const Keep& keep,
                                          PhaseSeconds& seconds, Progress& progress) const {
  std::vector<Sample> rest(images_.begin() + start.consumed, images_.end());
  BatchLoader loader(std::move(rest), preprocess_, kLoadBatch, bad_images_, start.images > 0);
  CalibrationProgress now = start;
  const auto advance = [&](std::int64_t images) {
    now.consumed = start.consumed + static_cast<std::int64_t>(loader.consumed());
    now.images += images;
    now.skipped = start.skipped;
    now.skipped.insert(now.skipped.end(), loader.skipped().begin(), loader.skipped().end());
    keep(now);
  };
  while (true) {
    const Stopwatch decode;
    std::optional<Batch> batch = loader.next();
    seconds.decode += decode.seconds();
    if (!batch) break;
    const Stopwatch forward;
    for (std::size_t& index : batch->sample_index) index += static_cast<std::size_t>(start.consumed);
    consume(*batch);
    seconds.forward += forward.seconds();
    const auto images = static_cast<std::int64_t>(batch->sample_index.size());
    advance(images);
    progress.advance(images);
  }
  advance(0);
  return now;
}

}  // namespace nq
