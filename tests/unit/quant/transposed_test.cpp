#include <catch2/catch.hpp>

#include "quant/transposed.hpp"
#include "support/random.hpp"

namespace nq {

TEST_CASE("transposing by blocks reaches every element of a strided view", "[quant]") {
  for (const std::int64_t rows : {1, 15, 16, 17, 70}) {
    for (const std::int64_t cols : {1, 5, 33}) {
      INFO(rows << " x " << cols);
      const std::int64_t stride = cols + 3;
      const std::vector<float> values = test::random_values(rows * stride, "transposed", 1.0F);
      const MatrixView view{values.data(), rows, cols, stride};
      CHECK(transposed(view) == RowMatrix(as_eigen(view).transpose()));
    }
  }
}

}  // namespace nq
