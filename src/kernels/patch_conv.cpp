#include <algorithm>
#include <functional>

#include "core/check.hpp"
#include "core/divide_up.hpp"
#include "core/parallel.hpp"
#include "kernels/conv.hpp"
#include "kernels/isa.hpp"
#include "kernels/scratch.hpp"

namespace nq::kernels {
namespace {

/// Patches gathered at a time.
constexpr std::int64_t kPatchRows = kWholeTileRows;

/// Writes patch `index` of one image as a row [c_in, taps...].
void gather_patch(const ConvShape& shape, const float* image, std::int64_t index, float* row) {
  const auto& [z_axis, y_axis, x_axis] = shape.window.axes;
  const std::int64_t x0 = index % x_axis.out * x_axis.kernel;
  const std::int64_t y0 = index / x_axis.out % y_axis.out * y_axis.kernel;
  const std::int64_t z0 = index / x_axis.out / y_axis.out * z_axis.kernel;
  for (std::int64_t channel = 0; channel < shape.c_in; ++channel) {
    for (std::int64_t z = 0; z < z_axis.kernel; ++z) {
      for (std::int64_t y = 0; y < y_axis.kernel; ++y) {
        const std::int64_t line = (channel * z_axis.in + z0 + z) * y_axis.in + y0 + y;
        row = std::copy_n(image + line * x_axis.in + x0, x_axis.kernel, row);
      }
    }
  }
}

}  // namespace

bool is_patch_conv(const ConvShape& shape) {
  return shape.groups == 1 &&
         std::all_of(shape.window.axes.begin(), shape.window.axes.end(), [](const WindowAxis& axis) {
           return axis.stride == axis.kernel && axis.dilation == 1 && axis.pad_begin == 0 &&
                  axis.out * axis.kernel <= axis.in;
         });
}

PatchConv::PatchConv(const ConvShape& shape, const float* w)
    : shape_(shape), weight_(StridedMatrix::dense(w, shape.c_out, shape.depth()).transposed()) {
  NQ_ASSERT(is_patch_conv(shape));
}

/// Calls store(gathered patches [rows, depth], rows, image, first patch) for every block.
template <typename Store>
void PatchConv::for_each_block(const float* x, const Store& store) const {
  const std::int64_t positions = shape_.window.out_positions();
  const std::int64_t blocks = divide_up(positions, kPatchRows);
  const std::int64_t depth = shape_.depth();
  const auto body = [&](std::int64_t task, std::int64_t) {
    const std::int64_t image = task / blocks;
    const std::int64_t block = task % blocks;
    const std::int64_t first = positions * block / blocks;
    const std::int64_t rows = positions * (block + 1) / blocks - first;
    float* patches = thread_scratch(ScratchUse::rows, static_cast<std::size_t>(kPatchRows * depth));
    const float* source = x + image * shape_.c_in * shape_.window.in_positions();
    for (std::int64_t row = 0; row < rows; ++row)
      gather_patch(shape_, source, first + row, patches + row * depth);
    store(StridedMatrix::dense(patches, rows, depth), image, first);
  };
  parallel_for(0, shape_.batch * blocks, 1, std::cref(body));
}

void PatchConv::run_tokens(const float* x, const float* bias, float* y) const {
  const std::int64_t positions = shape_.window.out_positions();
  Epilogue epilogue;
  epilogue.bias = bias;
  for_each_block(x, [&](const StridedMatrix& patches, std::int64_t image, std::int64_t first) {
    gemm_serial(patches, weight_.data(), shape_.c_out, y + (image * positions + first) * shape_.c_out,
                shape_.c_out, epilogue);
  });
}

void PatchConv::run(const float* x, const float* bias, float* y) const {
  const std::int64_t positions = shape_.window.out_positions();
  Epilogue epilogue;
  epilogue.bias = bias;
  for_each_block(x, [&](const StridedMatrix& patches, std::int64_t image, std::int64_t first) {
    float* tokens = thread_scratch(ScratchUse::columns, static_cast<std::size_t>(kPatchRows * shape_.c_out));
    gemm_serial(patches, weight_.data(), shape_.c_out, tokens, shape_.c_out, epilogue);
    float* out = y + image * shape_.c_out * positions + first;
    for (std::int64_t channel = 0; channel < shape_.c_out; channel += 16) {
      const std::int64_t channels = std::min<std::int64_t>(16, shape_.c_out - channel);
      for (std::int64_t row = 0; row < patches.rows; ++row) {
        for (std::int64_t i = channel; i < channel + channels; ++i) {
          out[i * positions + row] = tokens[row * shape_.c_out + i];
        }
      }
    }
  });
}

}  // namespace nq::kernels
