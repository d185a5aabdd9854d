#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "nq/executor.hpp"
#include "nq/image_input.hpp"
#include "nq/preprocess.hpp"

namespace nq {

/// Runs a plan over a stack of images, several images at once on the threads of the process.
///
/// Every image goes through the same arithmetic whatever stands beside it, so results depend
/// neither on the number of images in a call nor on the thread count.
class ImageRunner {
 public:
  /// Images [first, first + count) of the stack are in the view of a tapped value; a plan with a
  /// static batch may carry repeated images behind them. Called from several threads.
  using ImageTap =
      std::function<void(std::int64_t first, std::int64_t count, ValueId value, const TensorView& view)>;

  ImageRunner(Plan plan, ImageInput input);

  /// images: float32 [n, 3, H, W]. Returns output 0 as float32 [n, values per image].
  Tensor run(const Tensor& images, const ImageTap& tap = {});

  std::int64_t plan_batch() const noexcept { return plan_batch_; }
  std::size_t arena_bytes() const noexcept { return plan_.arena_bytes(); }

 private:
  Executor& executor();

  Plan plan_;
  ImageInput input_;
  std::int64_t plan_batch_;
  std::vector<std::unique_ptr<Executor>> executors_;  ///< one per thread, made when first used
};

/// `images`, float32 in the layout of the model, in the element type of the model's input.
Tensor input_tensor(const ImageInput& input, const Tensor& images);

/// The batch that images are planned with: the model's own when static, else 1, which makes one
/// image the unit of work of a thread.
std::int64_t image_plan_batch(const ImageInput& input);

/// The model input for `batch` images of a stack [n, 3, H, W] from `first` on, in the model's layout and type; the
/// last image is repeated where the stack ends. Where nothing has to change it is a part of the stack, not a copy.
Tensor stack_images(const ImageInput& input, const Tensor& images, std::int64_t first, std::int64_t batch);

/// Throws Error(usage) unless the preprocessing makes images of the model's size.
void check_image_size(const ImageInput& input, const Preprocess& preprocess);

/// Fixes the image input of `graph` for planning.
Specialization specialize_images(const ImageInput& input);

/// The plan of a model over images.
Plan plan_images(const Graph& graph, const ImageInput& input, KernelChoice kernels);

}  // namespace nq
