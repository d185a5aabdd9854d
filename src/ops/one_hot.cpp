#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "ops/arguments.hpp"
#include "ops/convert.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// Input depth: one number of any numeric type.
std::int64_t one_hot_depth(const OpContext& context) {
  const std::vector<double> depth = to_vector<double>(context.require_constant(1).view());
  NQ_CHECK(depth.size() == 1, input, "OneHot depth must be one number, got {}", depth.size());
  NQ_CHECK(depth.front() >= 0 && depth.front() <= static_cast<double>(kMaxElements), input,
           "OneHot depth is {}", depth.front());
  return static_cast<std::int64_t>(depth.front());
}

int one_hot_axis(const OpContext& context) {
  return normalize_axis(attr_int(context.node(), "axis", -1), context.input_shape(0).rank() + 1);
}

bool is_index_number(DType dtype) { return is_numeric(dtype) || dtype == DType::f16 || dtype == DType::bf16; }

/// Indices [outer..., inner...] become [outer..., depth, inner...] with `axis` the place of depth.
void infer_one_hot(OpContext& context) {
  check_arity(context, {3, 3});
  for (const int i : {0, 1}) {
    if (!is_index_number(context.input_type(i).dtype)) fail_dtype(context, i);
  }
  check_movable(context, 2);
  NQ_CHECK(context.input_shape(2) == Shape{2}, input, "OneHot values must be [off, on], got shape {}",
           to_string(context.input_shape(2)));
  const int axis = one_hot_axis(context);
  const Shape& indices = context.input_shape(0);
  Shape out(std::vector(indices.begin(), indices.begin() + axis));
  out.push_back(one_hot_depth(context));
  for (int k = axis; k < indices.rank(); ++k) out.push_back(indices[k]);
  context.set_output(0, {context.input_type(2).dtype, std::move(out)});
}

/// Calls visitor(TypeTag<T>{}) for the types that is_index_number accepts.
template <typename Visitor>
void visit_index_number(DType dtype, Visitor&& visitor) {
  if (dtype == DType::f16) return visitor(TypeTag<Half>{});
  if (dtype == DType::bf16) return visitor(TypeTag<BFloat16>{});
  visit_numeric(dtype, visitor);
}

template <typename T>
std::int64_t to_index(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>)
    return to_index(to_float(value));
  else if constexpr (std::is_floating_point_v<T>) {
    // NaN names no position; the largest index is outside every axis.
    return std::isnan(value) ? std::numeric_limits<std::int64_t>::max()
                             : saturating_trunc<std::int64_t>(value);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(std::min(value, largest));
  } else
    return static_cast<std::int64_t>(value);
}

class OneHotKernel final : public Kernel {
 public:
  explicit OneHotKernel(const OpContext& context)
      : depth_(one_hot_depth(context)), bytes_(element_bytes(context.input_type(2).dtype)) {
    const Shape& indices = context.input_shape(0);
    inner_ = Shape(std::vector(indices.begin() + one_hot_axis(context), indices.end())).elements();
  }

  void run(const KernelArgs& args) const override {
    const std::byte* off = args.inputs[2].data;
    const std::byte* on = off + bytes_;
    std::byte* out = args.outputs[0].data;
    fill_elements(out, off, args.outputs[0].elements(), bytes_);
    if (args.outputs[0].elements() == 0) return;
    visit_index_number(args.inputs[0].dtype(), [&](auto tag) {
      const auto* indices = args.inputs[0].as<typename decltype(tag)::type>();
      const std::int64_t count = args.inputs[0].elements();
      for (std::int64_t k = 0; k < count; ++k) {
        std::int64_t index = to_index(indices[k]);
        if (index < 0) index += depth_;
        if (index < 0 || index >= depth_) continue;
        const std::int64_t at = (k / inner_ * depth_ + index) * inner_ + k % inner_;
        copy_block(out + at * bytes_, on, bytes_);
      }
    });
  }

 private:
  std::int64_t depth_;
  std::size_t bytes_;
  std::int64_t inner_ = 1;
};

KernelPtr bind_one_hot(const OpContext& context) { return std::make_unique<OneHotKernel>(context); }

}  // namespace

void register_one_hot(OpRegistry& registry) {
  registry.add({.type = "OneHot",
                .since = 9,
                .infer = infer_one_hot,
                .bind = bind_one_hot,
                .promotion = Promotion::none});
}

}  // namespace nq
