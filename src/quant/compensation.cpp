#include "quant/compensation.hpp"

#include <Eigen/Cholesky>
#include <array>
#include <optional>

#include "core/rng.hpp"
#include "quant/row_products.hpp"

namespace nq {
namespace {

constexpr std::array<float, 5> kRidges = {1.0F, 0.3F, 0.1F, 0.03F, 0.01F};
constexpr Eigen::Index kDirections = 64;
constexpr std::uint64_t kDirectionSeed = 0xC0397;

/// Fixed random signs [outputs, kDirections]; the identity for few outputs.
RowMatrix output_directions(Eigen::Index outputs) {
  if (outputs <= kDirections) return RowMatrix::Identity(outputs, outputs);
  RandomStream stream(kDirectionSeed, "compensation");
  RowMatrix directions(outputs, kDirections);
  for (Eigen::Index i = 0; i < directions.size(); ++i) {
    directions.data()[i] = (stream.next() >> 63) != 0 ? 1.0F : -1.0F;
  }
  return directions;
}

using Factorization = Eigen::LLT<Eigen::MatrixXf>;

Factorization damped_gram(const RowMatrix& gram, float ridge) {
  Eigen::MatrixXf damped = Eigen::Map<const Eigen::MatrixXf>(gram.data(), gram.rows(), gram.cols());  // symmetric
  damped.diagonal().array() += ridge;
  return Factorization(damped);
}

RowMatrix ridge_solution(const Factorization& gram, const RowMatrix& weight, const RowMatrix& pull) {
  return weight + RowMatrix(gram.solve(Eigen::MatrixXf(pull)));
}

}  // namespace

RowMatrix compensated_weight(const RowMatrix& weight, const InputMoments& fitting,
                             const CentredRows& held_out) {
  const float mean_diagonal = fitting.gram.diagonal().mean();
  if (!(mean_diagonal > 0)) return weight;
  const RowMatrix directions = output_directions(weight.cols());
  const RowMatrix projected = product(weight, directions);
  const RowMatrix projected_pull = product(fitting.pull, directions);
  const RowMatrix target = product(held_out.quantized + held_out.error, projected);
  const auto held_out_error = [&](const RowMatrix& candidate) {
    const RowMatrix difference = target - product(held_out.quantized, candidate);
    return difference.cast<double>().squaredNorm();
  };
  double least = held_out_error(projected);
  std::optional<Factorization> best;
  for (const float fraction : kRidges) {
    Factorization factorization = damped_gram(fitting.gram, fraction * mean_diagonal);
    if (factorization.info() != Eigen::Success) break;
    const double error = held_out_error(ridge_solution(factorization, projected, projected_pull));
    if (!(error < least)) break;  // it rises for good
    least = error;
    best = std::move(factorization);
  }
  return best ? ridge_solution(*best, weight, fitting.pull) : weight;
}

}  // namespace nq
