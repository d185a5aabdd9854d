#include <cmath>
#include <cstdint>
#include <type_traits>

#include "ops/broadcast.hpp"
#include "ops/check.hpp"

namespace nq {
namespace {

/// start, limit and delta in a type that holds them exactly: int64, or double for float types.
template <typename T>
struct Bounds {
  T start, limit, delta;
};

template <typename T>
Bounds<T> bounds(const OpContext& context) {
  T values[3];
  for (int i = 0; i < 3; ++i) {
    const std::vector<T> value = to_vector<T>(context.require_constant(i).view());
    NQ_CHECK(value.size() == 1, input, "Range input {} must be one number, got {}", i, value.size());
    values[i] = value.front();
  }
  return {values[0], values[1], values[2]};
}

/// max(ceil((limit - start) / delta), 0) without overflow.
std::int64_t count(const Bounds<std::int64_t>& range) {
  NQ_CHECK(range.delta != 0, input, "Range delta is 0");
  const bool up = range.delta > 0;
  if (up ? range.limit <= range.start : range.limit >= range.start) return 0;
  const auto start = static_cast<std::uint64_t>(range.start);
  const auto limit = static_cast<std::uint64_t>(range.limit);
  const auto delta = static_cast<std::uint64_t>(range.delta);
  const std::uint64_t distance = up ? limit - start : start - limit;
  const std::uint64_t steps = (distance - 1) / (up ? delta : 0 - delta) + 1;
  NQ_CHECK(steps <= static_cast<std::uint64_t>(kMaxElements), resource, "Range has {} elements", steps);
  return static_cast<std::int64_t>(steps);
}

/// The same rounded as T rounds: Range's function body in the standard works in float32.
template <typename T>
std::int64_t count_as(const Bounds<double>& range) {
  const T distance = static_cast<T>(range.limit) - static_cast<T>(range.start);
  const T steps = std::ceil(distance / static_cast<T>(range.delta));
  NQ_CHECK(range.delta != 0 && !std::isnan(steps), input, "Range from {} to {} in steps of {}", range.start,
           range.limit, range.delta);
  NQ_CHECK(steps <= static_cast<T>(kMaxElements), resource, "Range has {} elements", steps);
  return steps > 0 ? static_cast<std::int64_t>(steps) : 0;
}

void infer_range(OpContext& context) {
  check_arity(context, {3, 3});
  check_dtype(context, 0,
              {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i16, DType::i32, DType::i64});
  check_same_dtype(context, 0, 1);
  check_same_dtype(context, 0, 2);
  const DType dtype = context.input_type(0).dtype;
  std::int64_t length = 0;
  if (is_integer(dtype))
    length = count(bounds<std::int64_t>(context));
  else if (dtype == DType::f64)
    length = count_as<double>(bounds<double>(context));
  else
    length = count_as<float>(bounds<double>(context));
  context.set_output(0, {dtype, {length}});
}

std::int64_t value_at(const Bounds<std::int64_t>& range, std::int64_t k) {
  // The value lies between start and limit, the product alone may not: it wraps as unsigned.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(range.start) +
                                   static_cast<std::uint64_t>(k) * static_cast<std::uint64_t>(range.delta));
}

/// out[k] = start + k * delta, computed as T and stored as Stored.
template <typename T, typename Stored>
class RangeKernel final : public Kernel {
 public:
  using Exact = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
  explicit RangeKernel(const Bounds<Exact>& range) : range_(range) {}

  void run(const KernelArgs& args) const override {
    Stored* out = args.outputs[0].as<Stored>();
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) store(out[k], k);
    });
  }

 private:
  void store(Stored& out, std::int64_t k) const {
    if constexpr (std::is_integral_v<T>) {
      out = static_cast<Stored>(value_at(range_, k));
    } else {
      const T value = static_cast<T>(range_.start) + static_cast<T>(k) * static_cast<T>(range_.delta);
      if constexpr (std::is_same_v<Stored, Half>)
        out = to_half(value);
      else if constexpr (std::is_same_v<Stored, BFloat16>)
        out = to_bfloat16(value);
      else
        out = value;
    }
  }

  Bounds<Exact> range_;
};

template <typename T, typename Stored = T>
KernelPtr make_range(const OpContext& context) {
  using Exact = typename RangeKernel<T, Stored>::Exact;
  return std::make_unique<RangeKernel<T, Stored>>(bounds<Exact>(context));
}

KernelPtr bind_range(const OpContext& context) {
  switch (context.input_type(0).dtype) {
    case DType::f32: return make_range<float>(context);
    case DType::f64: return make_range<double>(context);
    case DType::f16: return make_range<float, Half>(context);
    case DType::bf16: return make_range<float, BFloat16>(context);
    case DType::i16: return make_range<std::int16_t>(context);
    case DType::i32: return make_range<std::int32_t>(context);
    default: return make_range<std::int64_t>(context);
  }
}

}  // namespace

void register_range(OpRegistry& registry) {
  registry.add(
      {.type = "Range", .since = 11, .infer = infer_range, .bind = bind_range, .promotion = Promotion::none});
}

}  // namespace nq
