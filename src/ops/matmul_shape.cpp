#include "ops/matmul_shape.hpp"

#include "core/check.hpp"
#include "ops/broadcast.hpp"

namespace nq {
namespace {

Shape batch_shape(const Shape& shape) {
  Shape batch;
  for (int axis = 0; axis + 2 < shape.rank(); ++axis) batch.push_back(shape[axis]);
  return batch;
}

}  // namespace

MatMulShape matmul_shape(const Shape& a_given, const Shape& b_given) {
  NQ_CHECK(a_given.rank() > 0 && b_given.rank() > 0, input, "a matrix product does not take scalars");
  const Shape a = a_given.rank() == 1 ? Shape{1, a_given[0]} : a_given;
  const Shape b = b_given.rank() == 1 ? Shape{b_given[0], 1} : b_given;
  MatMulShape s;
  s.rows = a[a.rank() - 2];
  s.depth = a.back();
  s.cols = b.back();
  NQ_CHECK(s.depth == b[b.rank() - 2], input, "product of {} and {}: inner sizes differ", to_string(a_given),
           to_string(b_given));
  const Shape a_batch = batch_shape(a);
  const Shape b_batch = batch_shape(b);
  s.out = broadcast_shape(a_batch, b_batch);
  s.a_matrices = a_batch.elements();
  s.b_matrices = b_batch.elements();
  s.products = s.out.elements();
  if (a_given.rank() > 1) s.out.push_back(s.rows);
  if (b_given.rank() > 1) s.out.push_back(s.cols);
  return s;
}

MatMulPlaces matmul_places(const Shape& a, const Shape& b) {
  const Shape a_batch = batch_shape(a);
  const Shape b_batch = batch_shape(b);
  const auto walk = make_broadcast<2>(broadcast_shape(a_batch, b_batch), {&a_batch, &b_batch});
  const auto [a_step, b_step] = walk.axes.back().stride;
  MatMulPlaces places;
  for_each_run(walk, 0, walk.elements,
               [&, a_step = a_step, b_step = b_step](std::int64_t, const auto& offsets, std::int64_t length) {
                 for (std::int64_t i = 0; i < length; ++i) {
                   places.a.push_back(offsets[0] + i * a_step);
                   places.b.push_back(offsets[1] + i * b_step);
                 }
               });
  return places;
}

}  // namespace nq
