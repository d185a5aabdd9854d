#include "kernels/gemm.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "core/parallel.hpp"
#include "ops/broadcast.hpp"
#include "ops/check.hpp"

// Gemm (opsets 1, 6, 7, 9, 11, 13): alpha * A' * B' + beta * C, where ' is an optional transpose
// and C broadcasts to the product. The `broadcast` attribute of opsets below 7 only allowed what
// later versions always do.

namespace nq {
namespace {

struct GemmShape {
  std::int64_t rows = 0, depth = 0, cols = 0;
  bool trans_a = false, trans_b = false;
  float alpha = 1.0F, beta = 1.0F;
};

GemmShape gemm_shape(const OpContext& context) {
  const Shape& a = context.input_shape(0);
  const Shape& b = context.input_shape(1);
  NQ_CHECK(a.rank() == 2 && b.rank() == 2, input, "Gemm takes matrices, got {} and {}", to_string(a),
           to_string(b));
  GemmShape s;
  s.trans_a = attr_int(context.node(), "transA", 0) != 0;
  s.trans_b = attr_int(context.node(), "transB", 0) != 0;
  s.alpha = attr_float(context.node(), "alpha", 1.0F);
  s.beta = attr_float(context.node(), "beta", 1.0F);
  s.rows = a[s.trans_a ? 1 : 0];
  s.depth = a[s.trans_a ? 0 : 1];
  s.cols = b[s.trans_b ? 0 : 1];
  NQ_CHECK(s.depth == b[s.trans_b ? 1 : 0], input, "Gemm of {} and {}: inner sizes differ", to_string(a),
           to_string(b));
  return s;
}

/// Strides with which C repeats over [rows, cols].
struct AddendStrides {
  std::int64_t row = 0, col = 0;
};

AddendStrides addend_strides(const GemmShape& s, const Shape& c) {
  const std::int64_t cols = c.rank() >= 1 ? c.back() : 1;
  const std::int64_t rows = c.rank() >= 2 ? c[c.rank() - 2] : 1;
  const bool fits = c.rank() <= 2 && (cols == 1 || cols == s.cols) && (rows == 1 || rows == s.rows);
  NQ_CHECK(fits, input, "Gemm addend {} does not broadcast to [{},{}]", to_string(c), s.rows, s.cols);
  return {rows == 1 ? 0 : cols, cols == 1 ? 0 : 1};
}

template <typename T>
void add_scaled(const GemmShape& s, const T* addend, AddendStrides strides, T beta, T* c) {
  const auto body = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      for (std::int64_t col = 0; col < s.cols; ++col) {
        c[row * s.cols + col] += beta * addend[row * strides.row + col * strides.col];
      }
    }
  };
  parallel_for(0, s.rows, 64, std::cref(body));
}

kernels::StridedMatrix matrix_of(const float* data, std::int64_t rows, std::int64_t cols, bool transposed) {
  return transposed ? kernels::StridedMatrix::dense(data, cols, rows).transposed()
                    : kernels::StridedMatrix::dense(data, rows, cols);
}

class FloatGemm final : public Kernel {
 public:
  FloatGemm(const GemmShape& shape, const OpContext& context) : shape_(shape) {
    if (const Tensor* b = context.constant(1)) {
      packed_ =
          kernels::PackedMatrix(matrix_of(b->view().as<float>(), shape.depth, shape.cols, shape.trans_b));
    }
    if (context.has_input(2)) bind_addend(context);
  }

  void run(const KernelArgs& args) const override {
    const float* packed = packed_.data();
    if (packed == nullptr) {
      auto* scratch = reinterpret_cast<float*>(args.scratch.data());
      kernels::pack_matrix(matrix_of(args.inputs[1].as<float>(), shape_.depth, shape_.cols, shape_.trans_b),
                           scratch);
      packed = scratch;
    }
    kernels::Epilogue epilogue;
    epilogue.alpha = shape_.alpha;
    if (!bias_.empty()) epilogue.bias = bias_.data();
    float* c = args.outputs[0].as<float>();
    kernels::gemm(matrix_of(args.inputs[0].as<float>(), shape_.rows, shape_.depth, shape_.trans_a), packed,
                  shape_.cols, c, shape_.cols, epilogue);
    if (addend_) add_scaled(shape_, args.inputs[2].as<float>(), *addend_, shape_.beta, c);
  }
  std::size_t scratch_bytes() const override {
    return packed_.data() == nullptr ? kernels::packed_floats(shape_.depth, shape_.cols) * sizeof(float) : 0;
  }

 private:
  void bind_addend(const OpContext& context) {
    const AddendStrides strides = addend_strides(shape_, context.input_shape(2));
    const Tensor* c = context.constant(2);
    if (c == nullptr || strides.row != 0) {
      addend_ = strides;
      return;
    }
    const float* values = c->view().as<float>();
    for (std::int64_t col = 0; col < shape_.cols; ++col) {
      bias_.push_back(shape_.beta * values[col * strides.col]);
    }
  }

  GemmShape shape_;
  kernels::PackedMatrix packed_;
  std::vector<float> bias_;              ///< beta * C when C is a constant row
  std::optional<AddendStrides> addend_;  ///< C otherwise
};

template <typename T>
class PlainGemm final : public Kernel {
 public:
  PlainGemm(const GemmShape& shape, const OpContext& context) : shape_(shape) {
    if (context.has_input(2)) addend_ = addend_strides(shape, context.input_shape(2));
  }

  void run(const KernelArgs& args) const override {
    const T* a = args.inputs[0].as<T>();
    const T* b = args.inputs[1].as<T>();
    T* c = args.outputs[0].as<T>();
    const auto& s = shape_;
    const std::int64_t a_row = s.trans_a ? 1 : s.depth, a_depth = s.trans_a ? s.rows : 1;
    const std::int64_t b_col = s.trans_b ? s.depth : 1, b_depth = s.trans_b ? 1 : s.cols;
    for (std::int64_t row = 0; row < s.rows; ++row) {
      for (std::int64_t col = 0; col < s.cols; ++col) {
        T sum{0};
        for (std::int64_t k = 0; k < s.depth; ++k) {
          sum += a[row * a_row + k * a_depth] * b[k * b_depth + col * b_col];
        }
        c[row * s.cols + col] = static_cast<T>(s.alpha) * sum;
      }
    }
    if (addend_) add_scaled(s, args.inputs[2].as<T>(), *addend_, static_cast<T>(s.beta), c);
  }

 private:
  GemmShape shape_;
  std::optional<AddendStrides> addend_;
};

void infer_gemm(OpContext& context) {
  check_arity(context, {2, 3});
  check_same_dtype(context, 0, 1);
  check_dtype(context, 0, {DType::f32, DType::f64, DType::i32, DType::u32, DType::i64, DType::u64});
  const GemmShape shape = gemm_shape(context);
  if (context.has_input(2)) {
    check_same_dtype(context, 0, 2);
    (void)addend_strides(shape, context.input_shape(2));
  }
  context.set_output(0, {context.input_type(0).dtype, Shape{shape.rows, shape.cols}});
}

KernelPtr bind_gemm(const OpContext& context) {
  const GemmShape shape = gemm_shape(context);
  switch (context.input_type(0).dtype) {
    case DType::f32: return std::make_unique<FloatGemm>(shape, context);
    case DType::f64: return std::make_unique<PlainGemm<double>>(shape, context);
    case DType::i32: return std::make_unique<PlainGemm<std::int32_t>>(shape, context);
    case DType::u32: return std::make_unique<PlainGemm<std::uint32_t>>(shape, context);
    case DType::i64: return std::make_unique<PlainGemm<std::int64_t>>(shape, context);
    default: return std::make_unique<PlainGemm<std::uint64_t>>(shape, context);
  }
}

}  // namespace

void register_gemm(OpRegistry& registry) { registry.add({"Gemm", 1, INT_MAX, infer_gemm, bind_gemm}); }

}  // namespace nq
