#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nq/image_folder.hpp"
#include "nq/preprocess.hpp"
#include "nq/tensor.hpp"

namespace nq {

/// What to do with an image that cannot be read or decoded.
enum class BadImages { fail, skip };

/// An image that was left out.
struct SkippedImage {
  std::string name;    ///< as in Sample
  std::string reason;  ///< message of the error
};

/// Model inputs of consecutive samples.
struct Batch {
  Tensor images;                          ///< float32 [n, 3, height, width]
  std::vector<std::size_t> sample_index;  ///< n places in the list of samples, ascending
};

/// What is known of a sample already, else an empty span. Called by several threads at a time.
using KnownValues = std::function<std::span<const float>(const Sample&)>;

/// Reads, decodes and preprocesses samples in batches, one batch ahead of the reader.
///
/// A background thread prepares the next batch with parallel_for over its images while the caller works
/// on the current one, so at most two batches exist. With one thread (num_threads() == 1) next() does
/// the work itself. Order and values depend on neither. Skipped images leave no gap: a batch takes the
/// following images instead, and only the last one may be smaller.
class BatchLoader {
 public:
  /// Throws Error(usage) unless batch is positive, Error(input) when there are no samples.
  /// `goes_on` tells that others of the set were read before: then it is no error when no image is usable. Samples
  /// whose preprocessed pixels [3, height, width] are `known` are not read.
  BatchLoader(std::vector<Sample> samples, Preprocess preprocess, std::int64_t batch, BadImages bad_images,
              bool goes_on = false, KnownValues known = {});
  /// Stops the background thread after the images that it is decoding.
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// The next batch, or nothing after the last.
  ///
  /// Throws what decoding throws: with BadImages::fail the error of the first bad image in sample order;
  /// with skip Error(input) when no image at all is usable; Error(interrupted).
  std::optional<Batch> next();

  /// Samples that the batches returned so far, and what they left out, came from.
  std::size_t consumed() const noexcept;

  /// Images left out of the batches returned so far, in sample order.
  const std::vector<SkippedImage>& skipped() const noexcept;

  /// Seconds that preparing the batches returned so far took, whether or not the caller waited for it.
  double decode_seconds() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nq
