#include "kernels/gemm.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace nq;
using namespace nq::kernels;
using namespace nq::test;

namespace {

/// The definition: one chain of fma over k per element.
std::vector<float> naive_product(const StridedMatrix& a, const StridedMatrix& b) {
  std::vector<float> c;
  for (std::int64_t row = 0; row < a.rows; ++row) {
    for (std::int64_t col = 0; col < b.cols; ++col) {
      float sum = 0.0F;
      for (std::int64_t k = 0; k < a.cols; ++k) {
        sum = std::fma(a.data[row * a.row_stride + k * a.col_stride],
                       b.data[k * b.row_stride + col * b.col_stride], sum);
      }
      c.push_back(sum);
    }
  }
  return c;
}

struct ProductCase {
  std::int64_t rows, depth, cols;
};

}  // namespace

TEST_CASE("gemm equals the plain fma loop bit for bit", "[kernels]") {
  // Sizes on both sides of the register tile, the panel, and the row and depth blocks.
  const ProductCase shape =
      GENERATE(ProductCase{1, 1, 1}, ProductCase{3, 5, 7}, ProductCase{14, 64, 32}, ProductCase{15, 65, 33}, ProductCase{29, 17, 48},
               ProductCase{85, 513, 31}, ProductCase{169, 1030, 65}, ProductCase{197, 96, 100}, ProductCase{2, 1537, 16}, ProductCase{83, 0, 5}, ProductCase{431, 20, 33});
  const auto a = normal_floats("a", shape.rows * shape.depth);
  const auto b = normal_floats("b", shape.depth * shape.cols);
  const auto a_view = StridedMatrix::dense(a.data(), shape.rows, shape.depth);
  const auto b_view = StridedMatrix::dense(b.data(), shape.depth, shape.cols);
  const auto expected = bits(naive_product(a_view, b_view));
  for_each_setting([&] {
    const PackedMatrix packed(b_view);
    std::vector<float> c(static_cast<std::size_t>(shape.rows * shape.cols), -1.0F);
    gemm(a_view, packed, c.data(), shape.cols);
    CHECK(bits(c) == expected);
  });
}

TEST_CASE("gemm reads transposed operands", "[kernels]") {
  const auto a = normal_floats("a", 37 * 90);
  const auto b = normal_floats("b", 90 * 45);
  const auto a_view = StridedMatrix::dense(a.data(), 90, 37).transposed();
  const auto b_view = StridedMatrix::dense(b.data(), 45, 90).transposed();
  const auto expected = bits(naive_product(a_view, b_view));
  for_each_setting([&] {
    const PackedMatrix packed(b_view);
    std::vector<float> c(37 * 45);
    gemm(a_view, packed, c.data(), 45);
    CHECK(bits(c) == expected);
  });
}

TEST_CASE("gemm leaves the space between strided rows alone", "[kernels]") {
  const auto a = normal_floats("a", 20 * 40);
  const auto b = normal_floats("b", 40 * 21);
  for_each_setting([&] {
    const PackedMatrix packed(StridedMatrix::dense(b.data(), 40, 21));
    std::vector<float> c(20 * 30, 7.0F);
    gemm(StridedMatrix::dense(a.data(), 20, 40), packed, c.data(), 30);
    for (std::size_t row = 0; row < 20; ++row) {
      for (std::size_t col = 21; col < 30; ++col) CHECK(c[row * 30 + col] == 7.0F);
    }
  });
}

TEST_CASE("a row of a product does not depend on the other rows", "[kernels]") {
  const std::int64_t rows = 197;
  const auto a = normal_floats("a", rows * 600);
  const auto b = normal_floats("b", 600 * 72);
  for_each_setting([&] {
    const PackedMatrix packed(StridedMatrix::dense(b.data(), 600, 72));
    std::vector<float> all(static_cast<std::size_t>(rows * 72));
    gemm(StridedMatrix::dense(a.data(), rows, 600), packed, all.data(), 72);
    for (const std::int64_t row : {0L, 100L, 196L}) {
      std::vector<float> alone(72);
      gemm(StridedMatrix::dense(a.data() + row * 600, 1, 600), packed, alone.data(), 72);
      CHECK(bits(alone) == bits({all.begin() + row * 72, all.begin() + (row + 1) * 72}));
    }
  });
}

TEST_CASE("the epilogue scales, adds bias, activates and adds the residual in this order", "[kernels]") {
  const std::int64_t rows = 31, depth = 700, cols = 45;
  const auto a = normal_floats("a", rows * depth);
  const auto b = normal_floats("b", depth * cols);
  const auto bias = normal_floats("bias", cols);
  const auto row_bias = normal_floats("row_bias", rows);
  const auto residual = normal_floats("residual", rows * cols);
  const auto a_view = StridedMatrix::dense(a.data(), rows, depth);
  const auto b_view = StridedMatrix::dense(b.data(), depth, cols);
  std::vector<float> expected = naive_product(a_view, b_view);
  for (std::int64_t i = 0; i < rows * cols; ++i) {
    float value = expected[i] * 0.03F;
    value = value + bias[i % cols];
    value = value + row_bias[i / cols];
    expected[i] = std::max(0.0F, value) + residual[i];
  }
  for_each_setting([&] {
    const PackedMatrix packed(b_view);
    Epilogue epilogue;
    epilogue.alpha = 0.03F;
    epilogue.bias = bias.data();
    epilogue.row_bias = row_bias.data();
    epilogue.residual = residual.data();
    epilogue.residual_stride = cols;
    epilogue.activation = Activation::relu;
    std::vector<float> c(static_cast<std::size_t>(rows * cols));
    gemm(a_view, packed, c.data(), cols, epilogue);
    CHECK(bits(c) == bits(expected));
  });
}

TEST_CASE("bias and residual are added in this order, each with or without the other", "[kernels]") {
  const std::int64_t rows = 31, depth = 700, cols = 77, stride = 80;
  const auto a = normal_floats("a", rows * depth);
  const auto b = normal_floats("b", depth * cols);
  const auto bias = normal_floats("bias", cols);
  const auto residual = normal_floats("residual", rows * stride);
  const bool has_bias = GENERATE(false, true);
  const bool has_residual = GENERATE(false, true);
  const auto a_view = StridedMatrix::dense(a.data(), rows, depth);
  const auto b_view = StridedMatrix::dense(b.data(), depth, cols);
  std::vector<float> expected = naive_product(a_view, b_view);
  for (std::int64_t i = 0; i < rows * cols; ++i) {
    if (has_bias) expected[i] = expected[i] + bias[i % cols];
    if (has_residual) expected[i] = expected[i] + residual[i / cols * stride + i % cols];
  }
  for_each_setting([&] {
    const PackedMatrix packed(b_view);
    Epilogue epilogue;
    epilogue.bias = has_bias ? bias.data() : nullptr;
    epilogue.residual = has_residual ? residual.data() : nullptr;
    epilogue.residual_stride = stride;
    std::vector<float> c(static_cast<std::size_t>(rows * cols));
    gemm(a_view, packed, c.data(), cols, epilogue);
    CHECK(bits(c) == bits(expected));
  });
}

TEST_CASE("not-a-number and infinity travel through a product", "[kernels]") {
  std::vector<float> a(20 * 8, 1.0F);
  a[3 * 8 + 2] = NAN;
  a[5 * 8 + 1] = INFINITY;
  const std::vector<float> b(8 * 40, 1.0F);
  for_each_setting([&] {
    const PackedMatrix packed(StridedMatrix::dense(b.data(), 8, 40));
    std::vector<float> c(20 * 40);
    gemm(StridedMatrix::dense(a.data(), 20, 8), packed, c.data(), 40);
    CHECK(std::isnan(c[3 * 40 + 39]));
    CHECK(c[5 * 40 + 39] == INFINITY);
    CHECK(c[4 * 40 + 39] == 8.0F);
  });
}

TEST_CASE("batched products equal single ones", "[kernels]") {
  const std::int64_t rows = 130, depth = 33, cols = 50;
  const auto a = normal_floats("a", 3 * rows * depth);
  const auto b = normal_floats("b", 2 * depth * cols);
  const std::vector<std::int64_t> a_offsets{0, rows * depth, 2 * rows * depth};
  const std::vector<std::int64_t> b_offsets{depth * cols, 0, depth * cols};
  const std::vector<std::int64_t> c_offsets{0, rows * cols, 2 * rows * cols};
  for_each_setting([&] {
    std::vector<float> c(static_cast<std::size_t>(3 * rows * cols));
    BatchedProduct product;
    product.rows = rows;
    product.depth = depth;
    product.cols = cols;
    product.a = a.data();
    product.a_row_stride = depth;
    product.b = b.data();
    product.b_row_stride = cols;
    product.a_offsets = a_offsets;
    product.b_offsets = b_offsets;
    product.c = c.data();
    product.c_row_stride = cols;
    product.c_offsets = c_offsets;
    gemm_batched(product);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto expected = naive_product(StridedMatrix::dense(a.data() + a_offsets[i], rows, depth),
                                          StridedMatrix::dense(b.data() + b_offsets[i], depth, cols));
      CHECK(bits({c.begin() + c_offsets[i], c.begin() + c_offsets[i] + rows * cols}) == bits(expected));
    }
  });
}
