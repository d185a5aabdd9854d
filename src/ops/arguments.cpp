#include "ops/arguments.hpp"

#include <algorithm>

#include "ops/check.hpp"

namespace nq {

std::vector<std::int64_t> constant_ints(const OpContext& context, int i) {
  check_index_dtype(context, i);
  const Tensor& tensor = context.require_constant(i);
  NQ_CHECK(tensor.shape().rank() <= 1, input, "{} input {} must be a list of integers, got shape {}",
           context.node().op_type, i, to_string(tensor.shape()));
  return to_vector<std::int64_t>(tensor.view());
}

std::int64_t constant_int(const OpContext& context, int i) {
  const std::vector<std::int64_t> values = constant_ints(context, i);
  NQ_CHECK(values.size() == 1, input, "{} input {} must be one integer, got {}", context.node().op_type, i,
           values.size());
  return values.front();
}

std::optional<std::vector<std::int64_t>> ints_argument(const OpContext& context,
                                                       const IntsArgument& argument) {
  if (context.opset() >= argument.input_since) {
    if (!context.has_input(argument.input)) return std::nullopt;
    return constant_ints(context, argument.input);
  }
  if (!has_attr(context.node(), argument.attribute)) return std::nullopt;
  return attr_ints(context.node(), argument.attribute);
}

std::vector<int> normalize_axes(const std::vector<std::int64_t>& axes, int rank) {
  std::vector<int> normalized;
  for (const std::int64_t axis : axes) {
    const int position = normalize_axis(axis, rank);
    NQ_CHECK(std::find(normalized.begin(), normalized.end(), position) == normalized.end(), input,
             "axis {} is given twice", axis);
    normalized.push_back(position);
  }
  return normalized;
}

void check_movable(const OpContext& context, int i) {
  NQ_CHECK(context.input_type(i).dtype != DType::string, unsupported, "{} of strings is not implemented",
           context.node().op_type);
}

void check_index_dtype(const OpContext& context, int i) { check_dtype(context, i, {DType::i32, DType::i64}); }

}  // namespace nq
