#include <algorithm>
#include <cstring>
#include <functional>

#include "core/parallel.hpp"
#include "ops/arguments.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// Input [..., rows, cols]; optional int64 scalar k moves the diagonal to the right.
void infer_trilu(OpContext& context) {
  check_arity(context, {1, 2});
  check_movable(context, 0);
  NQ_CHECK(context.input_shape(0).rank() >= 2, input, "Trilu takes matrices, got {}",
           to_string(context.input_shape(0)));
  if (context.has_input(1)) {
    check_dtype(context, 1, {DType::i64});
    NQ_CHECK(context.input_shape(1).elements() == 1, input, "Trilu k has shape {}",
             to_string(context.input_shape(1)));
  }
  context.set_output(0, context.input_type(0));
}

class TriluKernel final : public Kernel {
 public:
  explicit TriluKernel(const OpContext& context)
      : upper_(attr_int(context.node(), "upper", 1) != 0),
        rows_(context.input_shape(0)[context.input_shape(0).rank() - 2]),
        cols_(context.input_shape(0).back()),
        bytes_(element_bytes(context.input_type(0).dtype)),
        all_rows_(cols_ == 0 ? 0 : context.input_shape(0).elements() / cols_) {}

  void run(const KernelArgs& args) const override {
    const bool given = args.inputs.size() > 1 && args.inputs[1].present();
    const std::int64_t diagonal = given ? *args.inputs[1].as<std::int64_t>() : 0;
    const std::int64_t k = std::clamp(diagonal, -rows_, cols_);
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) write_row(args, row, k);
    };
    const std::int64_t row_bytes = cols_ * static_cast<std::int64_t>(bytes_);
    parallel_for(0, all_rows_,
                 std::max<std::int64_t>(1, kCopyGrainBytes / std::max<std::int64_t>(1, row_bytes)),
                 std::ref(chunk));
  }

 private:
  void write_row(const KernelArgs& args, std::int64_t row, std::int64_t k) const {
    const std::int64_t diagonal = row % rows_ + k;
    const std::int64_t begin = upper_ ? std::clamp<std::int64_t>(diagonal, 0, cols_) : 0;
    const std::int64_t end = upper_ ? cols_ : std::clamp<std::int64_t>(diagonal + 1, 0, cols_);
    const std::byte* from = args.inputs[0].data + row * cols_ * bytes_;
    std::byte* to = args.outputs[0].data + row * cols_ * bytes_;
    std::memset(to, 0, begin * bytes_);
    std::memcpy(to + begin * bytes_, from + begin * bytes_, (end - begin) * bytes_);
    std::memset(to + end * bytes_, 0, (cols_ - end) * bytes_);
  }

  bool upper_;
  std::int64_t rows_;
  std::int64_t cols_;
  std::size_t bytes_;
  std::int64_t all_rows_;
};

KernelPtr bind_trilu(const OpContext& context) { return std::make_unique<TriluKernel>(context); }

}  // namespace

void register_trilu(OpRegistry& registry) {
  registry.add(
      {.type = "Trilu", .since = 14, .infer = infer_trilu, .bind = bind_trilu, .promotion = Promotion::none});
}

}  // namespace nq
