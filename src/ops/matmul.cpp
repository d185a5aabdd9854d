#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "core/parallel.hpp"
#include "kernels/gemm.hpp"
#include "ops/check.hpp"
#include "ops/matmul_shape.hpp"

// MatMul (opsets 1, 9, 13): the product of the last two axes, the rest broadcast; a 1-D operand
// gains an axis for the product and loses it again, as in numpy.matmul.

namespace nq {
namespace {

/// Float product with one right-hand matrix, packed at bind time when it is constant.
class SharedRightMatMul final : public Kernel {
 public:
  SharedRightMatMul(const MatMulShape& shape, const Tensor* b)
      : rows_(shape.a_matrices * shape.rows), depth_(shape.depth), cols_(shape.cols) {
    if (b != nullptr) {
      packed_ = kernels::PackedMatrix(kernels::StridedMatrix::dense(b->view().as<float>(), depth_, cols_));
    }
  }

  void run(const KernelArgs& args) const override {
    const float* packed = packed_.data();
    if (packed == nullptr) {
      auto* scratch = reinterpret_cast<float*>(args.scratch.data());
      kernels::pack_matrix(kernels::StridedMatrix::dense(args.inputs[1].as<float>(), depth_, cols_), scratch);
      packed = scratch;
    }
    const auto a = kernels::StridedMatrix::dense(args.inputs[0].as<float>(), rows_, depth_);
    kernels::gemm(a, packed, cols_, args.outputs[0].as<float>(), cols_);
  }
  std::size_t scratch_bytes() const override {
    return packed_.data() == nullptr ? kernels::packed_floats(depth_, cols_) * sizeof(float) : 0;
  }

 private:
  std::int64_t rows_, depth_, cols_;
  kernels::PackedMatrix packed_;
};

/// Float products of many pairs, as in attention.
class BatchedMatMul final : public Kernel {
 public:
  BatchedMatMul(const MatMulShape& shape, MatMulPlaces places) : shape_(shape) {
    for (std::size_t i = 0; i < places.a.size(); ++i) {
      a_offsets_.push_back(places.a[i] * shape.rows * shape.depth);
      b_offsets_.push_back(places.b[i] * shape.depth * shape.cols);
      c_offsets_.push_back(static_cast<std::int64_t>(i) * shape.rows * shape.cols);
    }
  }

  void run(const KernelArgs& args) const override {
    kernels::BatchedProduct product;
    product.rows = shape_.rows;
    product.depth = shape_.depth;
    product.cols = shape_.cols;
    product.a = args.inputs[0].as<float>();
    product.a_row_stride = shape_.depth;
    product.a_offsets = a_offsets_;
    product.b = args.inputs[1].as<float>();
    product.b_row_stride = shape_.cols;
    product.b_offsets = b_offsets_;
    product.c = args.outputs[0].as<float>();
    product.c_row_stride = shape_.cols;
    product.c_offsets = c_offsets_;
    kernels::gemm_batched(product);
  }

 private:
  MatMulShape shape_;
  std::vector<std::int64_t> a_offsets_, b_offsets_, c_offsets_;  ///< in elements
};

/// Double and integer products: plain loops. Integers wrap.
template <typename T>
class PlainMatMul final : public Kernel {
 public:
  PlainMatMul(const MatMulShape& shape, MatMulPlaces places) : shape_(shape), places_(std::move(places)) {}

  void run(const KernelArgs& args) const override {
    const T* a = args.inputs[0].as<T>();
    const T* b = args.inputs[1].as<T>();
    T* c = args.outputs[0].as<T>();
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t product = row / shape_.rows;
        multiply_row(a + (places_.a[product] * shape_.rows + row % shape_.rows) * shape_.depth,
                     b + places_.b[product] * shape_.depth * shape_.cols, c + row * shape_.cols);
      }
    };
    parallel_for(0, shape_.products * shape_.rows, 16, std::cref(body));
  }

 private:
  void multiply_row(const T* a, const T* b, T* c) const {
    std::fill_n(c, shape_.cols, T{0});
    for (std::int64_t k = 0; k < shape_.depth; ++k) {
      for (std::int64_t col = 0; col < shape_.cols; ++col) c[col] += a[k] * b[k * shape_.cols + col];
    }
  }
  MatMulShape shape_;
  MatMulPlaces places_;
};

void infer_matmul(OpContext& context) {
  check_arity(context, {2, 2});
  check_same_dtype(context, 0, 1);
  check_dtype(context, 0, {DType::f32, DType::f64, DType::i32, DType::u32, DType::i64, DType::u64});
  context.set_output(
      0, {context.input_type(0).dtype, matmul_shape(context.input_shape(0), context.input_shape(1)).out});
}

KernelPtr bind_matmul(const OpContext& context) {
  const Shape& a = context.input_shape(0);
  const Shape& b = context.input_shape(1);
  const MatMulShape shape = matmul_shape(a, b);
  const DType dtype = context.input_type(0).dtype;
  if (dtype == DType::f32 && shape.b_matrices == 1 && shape.products == shape.a_matrices) {
    return std::make_unique<SharedRightMatMul>(shape, context.constant(1));
  }
  MatMulPlaces places = matmul_places(a, b);
  switch (dtype) {
    case DType::f32: return std::make_unique<BatchedMatMul>(shape, std::move(places));
    case DType::f64: return std::make_unique<PlainMatMul<double>>(shape, std::move(places));
    case DType::i32:
    case DType::u32: return std::make_unique<PlainMatMul<std::uint32_t>>(shape, std::move(places));
    default: return std::make_unique<PlainMatMul<std::uint64_t>>(shape, std::move(places));
  }
}

}  // namespace

void register_matmul(OpRegistry& registry) {
  registry.add({"MatMul", 1, INT_MAX, infer_matmul, bind_matmul});
}

}  // namespace nq
