#include "quant/compensation.hpp"

#include <Eigen/Cholesky>
#include <array>

#include "core/rng.hpp"

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

RowMatrix ridge_solution(const RowMatrix& gram, float ridge, const RowMatrix& weight, const RowMatrix& pull) {
  Eigen::MatrixXf damped = gram;
  damped.diagonal().array() += ridge;
  const Eigen::LLT<Eigen::MatrixXf> factorization(damped);
  if (factorization.info() != Eigen::Success) return weight;
  return weight + RowMatrix(factorization.solve(Eigen::MatrixXf(pull)));
}

}  // namespace

RowMatrix compensated_weight(const RowMatrix& weight, const InputMoments& fitting,
                             const CentredRows& held_out) {
  const float mean_diagonal = fitting.gram.diagonal().mean();
  if (!(mean_diagonal > 0)) return weight;
  const RowMatrix directions = output_directions(weight.cols());
  const RowMatrix projected = weight * directions;
  const RowMatrix projected_pull = fitting.pull * directions;
  const RowMatrix target = (held_out.quantized + held_out.error) * projected;
  const auto held_out_error = [&](const RowMatrix& candidate) {
    const RowMatrix difference = target - held_out.quantized * candidate;
    return difference.cast<double>().squaredNorm();
  };
  double least = held_out_error(projected);
  float best = 0;
  for (const float fraction : kRidges) {
    const double error = held_out_error(ridge_solution(fitting.gram, fraction * mean_diagonal, projected, projected_pull));
    if (!(error < least)) continue;
    least = error;
    best = fraction;
  }
  return best > 0 ? ridge_solution(fitting.gram, best * mean_diagonal, weight, fitting.pull) : weight;
}

}  // namespace nq
