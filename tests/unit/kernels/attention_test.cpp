#include "kernels/attention.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace nq;
using namespace nq::kernels;
using namespace nq::test;

namespace {

/// Query, key and value rows packed as [batch, rows, 3, heads, dim], as a ViT projects them.
struct PackedInput {
  std::int64_t batch = 2, heads = 3, rows = 197, dim = 16;
  std::vector<float> qkv = normal_floats("qkv", batch* rows * 3 * heads * dim);

  HeadsView view(std::int64_t part) const {
    return {qkv.data() + part * heads * dim, rows * 3 * heads * dim, dim, 3 * heads * dim};
  }
  Attention call(float* out) const {
    Attention a;
    a.batch = batch;
    a.heads = a.kv_heads = heads;
    a.q_rows = a.kv_rows = rows;
    a.dim = a.v_dim = dim;
    a.scale = 0.25F;
    a.q = view(0);
    a.k = view(1);
    a.v = view(2);
    a.out = out;
    a.out_batch_stride = rows * heads * dim;
    a.out_head_stride = dim;
    a.out_row_stride = heads * dim;
    return a;
  }
};

/// One output row in double; keys for which allowed(key) is false are left out.
template <typename Allowed>
std::vector<double> exact_row(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row,
                              const Allowed& allowed) {
  std::vector<double> weights;
  double sum = 0.0;
  for (std::int64_t key = 0; key < a.kv_rows; ++key) {
    double score = 0.0;
    for (std::int64_t d = 0; d < a.dim; ++d) {
      score += static_cast<double>(a.q.at(batch, head)[row * a.q.row_stride + d]) *
               static_cast<double>(a.k.at(batch, head)[key * a.k.row_stride + d]);
    }
    weights.push_back(allowed(key) ? std::exp(score * static_cast<double>(a.scale)) : 0.0);
    sum += weights.back();
  }
  std::vector<double> out(static_cast<std::size_t>(a.v_dim), 0.0);
  for (std::int64_t key = 0; sum > 0.0 && key < a.kv_rows; ++key) {
    for (std::int64_t d = 0; d < a.v_dim; ++d) {
      out[d] += weights[key] / sum * static_cast<double>(a.v.at(batch, head)[key * a.v.row_stride + d]);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("attention over packed heads matches double and is the same in every setting", "[kernels]") {
  const PackedInput input;
  std::vector<std::vector<std::uint32_t>> seen;
  for_each_setting([&] {
    std::vector<float> out(static_cast<std::size_t>(input.batch * input.rows * input.heads * input.dim));
    const Attention a = input.call(out.data());
    attend(a);
    seen.push_back(bits(out));
    for (const std::int64_t row : {0L, 77L, 196L}) {
      const auto exact = exact_row(a, 1, 2, row, [](std::int64_t) { return true; });
      for (std::int64_t d = 0; d < input.dim; ++d) {
        const float value = out[a.out_batch_stride + 2 * a.out_head_stride + row * a.out_row_stride + d];
        // Weights within 8e-7 of their size, values below 4.
        CHECK(std::fabs(static_cast<double>(value) - exact[d]) < 4e-6);
      }
    }
  });
  for (const auto& other : seen) CHECK(other == seen.front());
}

TEST_CASE("causal windows and valid keys limit what a row sees", "[kernels]") {
  const PackedInput input;
  const std::vector<std::int64_t> valid{197, 150};
  for_each_setting([&] {
    std::vector<float> out(static_cast<std::size_t>(input.batch * input.rows * input.heads * input.dim));
    Attention a = input.call(out.data());
    a.right_window = 0;
    a.left_window = 20;
    a.valid_keys = valid.data();
    attend(a);
    for (const std::int64_t row : {0L, 77L, 160L, 196L}) {
      const auto exact = exact_row(
          a, 1, 0, row, [&](std::int64_t key) { return key <= row && key >= row - 20 && key < 150; });
      for (std::int64_t d = 0; d < input.dim; ++d) {
        const float value = out[a.out_batch_stride + row * a.out_row_stride + d];
        CHECK(std::fabs(static_cast<double>(value) - exact[d]) < 4e-6);
      }
    }
  });
}

TEST_CASE("a fully masked row is zero", "[kernels]") {
  const PackedInput input;
  const std::vector<std::uint8_t> allowed(static_cast<std::size_t>(input.rows), 0);
  for_each_setting([&] {
    std::vector<float> out(static_cast<std::size_t>(input.batch * input.rows * input.heads * input.dim),
                           1.0F);
    Attention a = input.call(out.data());
    a.bias.allowed = allowed.data();
    a.bias.cols = input.rows;
    attend(a);
    CHECK(out == std::vector<float>(out.size(), 0.0F));
  });
}

TEST_CASE("quantized attention has exact integer products in every setting", "[kernels]") {
  const PackedInput input{2, 3, 61, GENERATE(std::int64_t{16}, std::int64_t{35})};
  struct Grids {
    ActivationGrid q, k, weights, v;
  };
  const Grids g = GENERATE(Grids{{0.03F, 0, -128, 127}, {0.03F, 0, -128, 127}, {0.003F, 0, 0, 255}, {0.02F, 0, -128, 127}},
                           Grids{{0.2F, 17, 0, 31}, {0.25F, -2, -16, 15}, {0.01F, 0, 0, 31}, {0.2F, 13, 0, 31}});
  const auto code = [](float x, const ActivationGrid& grid) {
    const float value = std::nearbyint(x / grid.scale) + static_cast<float>(grid.zero_point);
    return static_cast<double>(std::clamp(value, static_cast<float>(grid.qmin), static_cast<float>(grid.qmax))) -
           static_cast<double>(grid.zero_point);
  };
  std::vector<std::vector<std::uint32_t>> seen;
  for_each_setting([&] {
    std::vector<float> out(static_cast<std::size_t>(input.batch * input.rows * input.heads * input.dim));
    Attention a = input.call(out.data());
    a.grids = AttentionGrids{g.q, g.k, g.weights, g.v};
    attend(a);
    seen.push_back(bits(out));
    CHECK(seen.back() == seen.front());
    for (const std::int64_t row : {0L, 33L, 60L}) {
      std::vector<float> scores;
      for (std::int64_t key = 0; key < a.kv_rows; ++key) {
        double sum = 0;
        for (std::int64_t d = 0; d < a.dim; ++d) {
          sum += code(a.q.at(1, 2)[row * a.q.row_stride + d], g.q) * code(a.k.at(1, 2)[key * a.k.row_stride + d], g.k);
        }
        scores.push_back(static_cast<float>(sum) * (g.q.scale * g.k.scale));
      }
      active_table().softmax_rows({1, a.kv_rows, scores.data(), a.kv_rows, scores.data(), a.kv_rows, a.scale});
      for (std::int64_t d = 0; d < a.v_dim; ++d) {
        double sum = 0;
        for (std::int64_t key = 0; key < a.kv_rows; ++key) {
          sum += code(scores[static_cast<std::size_t>(key)], g.weights) * code(a.v.at(1, 2)[key * a.v.row_stride + d], g.v);
        }
        const float value = out[a.out_batch_stride + 2 * a.out_head_stride + row * a.out_row_stride + d];
        CHECK(value == static_cast<float>(sum) * (g.weights.scale * g.v.scale));
      }
    }
  });
}
