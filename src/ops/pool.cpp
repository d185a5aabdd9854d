#include <algorithm>
#include <functional>
#include <limits>
#include <vector>

#include "core/parallel.hpp"
#include "ops/check.hpp"
#include "ops/window.hpp"

// AveragePool (opsets 1, 7, 10, 11, 19, 22), MaxPool (1, 8, 10, 11, 12, 22), GlobalAveragePool and
// GlobalMaxPool (1, 22), in one to three spatial dimensions.

namespace nq {
namespace {

std::vector<std::int64_t> kernel_shape(const OpContext& context) {
  NQ_CHECK(has_attr(context.node(), "kernel_shape"), input, "{} needs kernel_shape", context.node().op_type);
  return attr_ints(context.node(), "kernel_shape");
}

kernels::Window pool_window(const OpContext& context) {
  return window_of(context, {kernel_shape(context), attr_int(context.node(), "ceil_mode", 0) != 0});
}

Shape pooled_shape(const OpContext& context, const kernels::Window& window) {
  const Shape& shape = context.input_shape(0);
  Shape out{shape[0], shape[1]};
  for (int i = 5 - shape.rank(); i < 3; ++i) out.push_back(window.axes[static_cast<std::size_t>(i)].out);
  return out;
}

/// Taps [first, end) of one window that lie in [low, high).
struct TapRange {
  std::int64_t first, end;
  std::int64_t count() const { return end - first; }
};

TapRange taps_inside(const kernels::WindowAxis& axis, std::int64_t window, std::int64_t low,
                     std::int64_t high) {
  TapRange range{0, axis.kernel};
  while (range.first < range.end && axis.position(window, range.first) < low) ++range.first;
  while (range.end > range.first && axis.position(window, range.end - 1) >= high) --range.end;
  return range;
}

/// Calls body(window index, position of the window along each axis) for each window of a plane.
template <typename Body>
void for_each_window(const kernels::Window& window, const Body& body) {
  std::int64_t index = 0;
  for (std::int64_t z = 0; z < window.axes[0].out; ++z) {
    for (std::int64_t y = 0; y < window.axes[1].out; ++y) {
      for (std::int64_t x = 0; x < window.axes[2].out; ++x)
        body(index++, std::array<std::int64_t, 3>{z, y, x});
    }
  }
}

/// Calls visit(offset in the plane, z, y, x) for each input element under a window.
template <typename Visit>
void for_each_element(const kernels::Window& window, const std::array<std::int64_t, 3>& at,
                      const Visit& visit) {
  const auto& [z_axis, y_axis, x_axis] = window.axes;
  const TapRange z_taps = taps_inside(z_axis, at[0], 0, z_axis.in);
  const TapRange y_taps = taps_inside(y_axis, at[1], 0, y_axis.in);
  const TapRange x_taps = taps_inside(x_axis, at[2], 0, x_axis.in);
  for (std::int64_t i = z_taps.first; i < z_taps.end; ++i) {
    const std::int64_t z = z_axis.position(at[0], i);
    for (std::int64_t j = y_taps.first; j < y_taps.end; ++j) {
      const std::int64_t y = y_axis.position(at[1], j);
      for (std::int64_t k = x_taps.first; k < x_taps.end; ++k) {
        const std::int64_t x = x_axis.position(at[2], k);
        visit((z * y_axis.in + y) * x_axis.in + x, z, y, x);
      }
    }
  }
}

template <typename T>
class AveragePool final : public Kernel {
 public:
  AveragePool(std::int64_t planes, const kernels::Window& window, bool counts_padding)
      : planes_(planes), window_(window), counts_padding_(counts_padding) {}

  void run(const KernelArgs& args) const override {
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t plane = begin; plane < end; ++plane) {
        const T* x = args.inputs[0].as<T>() + plane * window_.in_positions();
        T* y = args.outputs[0].as<T>() + plane * window_.out_positions();
        for_each_window(window_, [&](std::int64_t index, const auto& at) { y[index] = average(x, at); });
      }
    };
    parallel_for(0, planes_, 1, std::cref(body));
  }

 private:
  T average(const T* x, const std::array<std::int64_t, 3>& at) const {
    double sum = 0.0;
    std::int64_t count = 0;
    for_each_element(window_, at, [&](std::int64_t offset, std::int64_t, std::int64_t, std::int64_t) {
      sum += static_cast<double>(x[offset]);
      ++count;
    });
    if (counts_padding_) {
      count = 1;
      for (std::size_t i = 0; i < 3; ++i) {
        const kernels::WindowAxis& axis = window_.axes[i];
        count *= taps_inside(axis, at[i], -axis.pad_begin, axis.in + axis.pad_end).count();
      }
    }
    return count == 0 ? T{0} : static_cast<T>(sum / static_cast<double>(count));
  }

  std::int64_t planes_;
  kernels::Window window_;
  bool counts_padding_;
};

template <typename T>
class MaxPool final : public Kernel {
 public:
  MaxPool(std::int64_t planes, const kernels::Window& window, bool column_major)
      : planes_(planes), window_(window), column_major_(column_major) {}

  void run(const KernelArgs& args) const override {
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t plane = begin; plane < end; ++plane) run_plane(args, plane);
    };
    parallel_for(0, planes_, 1, std::cref(body));
  }

 private:
  void run_plane(const KernelArgs& args, std::int64_t plane) const {
    const T* x = args.inputs[0].as<T>() + plane * window_.in_positions();
    T* y = args.outputs[0].as<T>() + plane * window_.out_positions();
    std::int64_t* where = args.outputs.size() > 1 && args.outputs[1].present()
                              ? args.outputs[1].as<std::int64_t>() + plane * window_.out_positions()
                              : nullptr;
    const auto& [z_axis, y_axis, x_axis] = window_.axes;
    for_each_window(window_, [&](std::int64_t index, const auto& at) {
      T largest = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                       : std::numeric_limits<T>::lowest();
      std::int64_t best = -1;
      for_each_element(window_, at,
                       [&](std::int64_t offset, std::int64_t iz, std::int64_t iy, std::int64_t ix) {
                         if (best >= 0 && !(x[offset] > largest)) return;
                         largest = x[offset];
                         best = column_major_ ? (ix * y_axis.in + iy) * z_axis.in + iz : offset;
                       });
      y[index] = largest;
      if (where != nullptr) where[index] = plane * window_.in_positions() + best;
    });
  }

  std::int64_t planes_;
  kernels::Window window_;
  bool column_major_;
};

std::int64_t planes_of(const OpContext& context) {
  return context.input_shape(0)[0] * context.input_shape(0)[1];
}

void infer_average_pool(OpContext& context) {
  check_arity(context, {1, 1});
  check_float(context, 0);
  context.set_output(0, {context.input_type(0).dtype, pooled_shape(context, pool_window(context))});
}

template <typename T>
KernelPtr make_average_pool(const OpContext& context, const kernels::Window& window) {
  return std::make_unique<AveragePool<T>>(planes_of(context), window,
                                          attr_int(context.node(), "count_include_pad", 0) != 0);
}

KernelPtr bind_average_pool(const OpContext& context) {
  return visit_float(context.input_type(0).dtype, [&](auto tag) {
    return make_average_pool<typename decltype(tag)::type>(context, pool_window(context));
  });
}

void infer_max_pool(OpContext& context) {
  check_arity(context, {1, 1}, {1, 2});
  check_dtype(context, 0, {DType::f32, DType::f64, DType::i8, DType::u8});
  const Shape out = pooled_shape(context, pool_window(context));
  context.set_output(0, {context.input_type(0).dtype, out});
  if (context.has_output(1)) context.set_output(1, {DType::i64, out});
}

KernelPtr make_max_pool(const OpContext& context, const kernels::Window& window) {
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    return std::make_unique<MaxPool<typename decltype(tag)::type>>(
        planes_of(context), window, attr_int(context.node(), "storage_order", 0) != 0);
  });
}

KernelPtr bind_max_pool(const OpContext& context) { return make_max_pool(context, pool_window(context)); }

/// One window that covers every spatial axis, whatever their number.
kernels::Window global_window(const OpContext& context) {
  kernels::WindowAxis axis;
  for (const std::int64_t size : spatial_sizes(context, 0)) axis.in *= size;
  axis.kernel = axis.in;
  return make_window({axis});
}

void infer_global_pool(OpContext& context) {
  check_arity(context, {1, 1});
  check_float(context, 0);
  const Shape& shape = context.input_shape(0);
  (void)spatial_sizes(context, 0);
  Shape out{shape[0], shape[1]};
  for (int axis = 2; axis < shape.rank(); ++axis) out.push_back(1);
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

KernelPtr bind_global_average(const OpContext& context) {
  return visit_float(context.input_type(0).dtype, [&](auto tag) {
    return make_average_pool<typename decltype(tag)::type>(context, global_window(context));
  });
}

KernelPtr bind_global_max(const OpContext& context) { return make_max_pool(context, global_window(context)); }

}  // namespace

void register_pool(OpRegistry& registry) {
  registry.add({"AveragePool", 1, INT_MAX, infer_average_pool, bind_average_pool});
  registry.add({"MaxPool", 1, INT_MAX, infer_max_pool, bind_max_pool});
  registry.add({"GlobalAveragePool", 1, INT_MAX, infer_global_pool, bind_global_average});
  registry.add({"GlobalMaxPool", 1, INT_MAX, infer_global_pool, bind_global_max});
}

}  // namespace nq
