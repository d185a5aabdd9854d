#include <cmath>
#include <functional>

#include "core/parallel.hpp"
#include "kernels/rows.hpp"
#include "ops/check.hpp"

// BatchNormalization (opsets 1, 6, 7, 9, 14, 15), InstanceNormalization (1, 6, 22),
// GroupNormalization (18: scale per group, 21: scale per channel), LpNormalization (1, 22).

namespace nq {
namespace {

/// [batch, channels, positions] reading of an image-like tensor.
struct ChannelShape {
  std::int64_t batch = 1, channels = 1, positions = 1;
};

ChannelShape channel_shape(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  NQ_CHECK(shape.rank() >= 1, input, "{} does not take a scalar", context.node().op_type);
  ChannelShape s;
  s.batch = shape[0];
  if (shape.rank() > 1) s.channels = shape[1];
  for (int axis = 2; axis < shape.rank(); ++axis) s.positions *= shape[axis];
  return s;
}

/// Throws Error(input) unless input i is a vector of `count` elements of the first input's type.
void check_vector(const OpContext& context, int i, std::int64_t count) {
  const Shape& shape = context.input_shape(i);
  NQ_CHECK(shape.rank() == 1 && shape[0] == count, input, "{} input {} must have shape [{}], got {}",
           context.node().op_type, i, count, to_string(shape));
}

struct Affine {
  double factor = 1.0, shift = 0.0;
};

template <typename T>
void apply_affine(const T* x, T* y, std::int64_t count, Affine affine) {
  for (std::int64_t i = 0; i < count; ++i) {
    y[i] = static_cast<T>(std::fma(static_cast<double>(x[i]), affine.factor, affine.shift));
  }
}

/// Mean and mean squared deviation of values visited by `each(visitor)`.
struct Moments {
  double mean = 0.0, variance = 0.0;
};

template <typename Each>
Moments moments_of(std::int64_t count, const Each& each) {
  Moments m;
  each([&](double value) { m.mean += value; });
  m.mean /= static_cast<double>(count);
  each([&](double value) { m.variance += (value - m.mean) * (value - m.mean); });
  m.variance /= static_cast<double>(count);
  return m;
}

template <typename T>
class BatchNorm final : public Kernel {
 public:
  BatchNorm(ChannelShape shape, float epsilon, float momentum, bool training)
      : shape_(shape), epsilon_(epsilon), momentum_(momentum), training_(training) {}

  void run(const KernelArgs& args) const override {
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t channel = begin; channel < end; ++channel) run_channel(args, channel);
    };
    parallel_for(0, shape_.channels, 1, std::cref(body));
  }

 private:
  void run_channel(const KernelArgs& args, std::int64_t channel) const {
    const T* x = args.inputs[0].as<T>();
    T* y = args.outputs[0].as<T>();
    const auto parameter = [&](std::size_t i) { return read(args.inputs[i], channel); };
    const auto offset = [&](std::int64_t image) {
      return (image * shape_.channels + channel) * shape_.positions;
    };
    Moments m{parameter(3), parameter(4)};
    if (training_) {
      const Moments given = m;
      m = moments_of(shape_.batch * shape_.positions, [&](const auto& visit) {
        for (std::int64_t image = 0; image < shape_.batch; ++image) {
          for (std::int64_t i = 0; i < shape_.positions; ++i)
            visit(static_cast<double>(x[offset(image) + i]));
        }
      });
      write_running(args, 1, channel, given.mean, m.mean);
      write_running(args, 2, channel, given.variance, m.variance);
    }
    Affine affine;
    affine.factor = parameter(1) / std::sqrt(m.variance + static_cast<double>(epsilon_));
    affine.shift = parameter(2) - m.mean * affine.factor;
    for (std::int64_t image = 0; image < shape_.batch; ++image) {
      apply_affine(x + offset(image), y + offset(image), shape_.positions, affine);
    }
  }

  static double read(const TensorView& view, std::int64_t index) {
    return view.dtype() == DType::f64 ? view.as<double>()[index]
                                      : static_cast<double>(view.as<float>()[index]);
  }

  void write_running(const KernelArgs& args, std::size_t output, std::int64_t channel, double old_value,
                     double new_value) const {
    if (args.outputs.size() <= output || !args.outputs[output].present()) return;
    const double momentum = static_cast<double>(momentum_);
    const double value = old_value * momentum + new_value * (1.0 - momentum);
    if (args.outputs[output].dtype() == DType::f64) {
      args.outputs[output].as<double>()[channel] = value;
    } else {
      args.outputs[output].as<float>()[channel] = static_cast<float>(value);
    }
  }

  ChannelShape shape_;
  float epsilon_, momentum_;
  bool training_;
};

bool is_training(const OpContext& context) {
  if (context.opset() >= 14) return attr_int(context.node(), "training_mode", 0) != 0;
  return false;
}

void infer_batch_norm(OpContext& context) {
  check_arity(context, {5, 5}, {1, 5});
  check_float(context, 0);
  const ChannelShape shape = channel_shape(context);
  NQ_CHECK(attr_int(context.node(), "spatial", 1) == 1, unsupported,
           "BatchNormalization with spatial = 0 is not implemented");
  const bool training = is_training(context);
  NQ_CHECK(training || !context.has_output(1), unsupported,
           "BatchNormalization below opset 14 with training outputs is not implemented");
  for (int i = 1; i < 5; ++i) {
    check_float(context, i);
    check_vector(context, i, shape.channels);
  }
  context.set_output(0, context.input_type(0));
  for (int i = 1; i < context.num_outputs() && i < 3; ++i) {
    if (context.has_output(i)) context.set_output(i, context.input_type(i + 2));
  }
  NQ_CHECK(!context.has_output(3) && !context.has_output(4), unsupported,
           "BatchNormalization with saved statistics is not implemented");
}

template <template <typename> class KernelOf, typename... Args>
KernelPtr bind_float(const OpContext& context, Args... args) {
  if (context.input_type(0).dtype == DType::f64) return std::make_unique<KernelOf<double>>(args...);
  return std::make_unique<KernelOf<float>>(args...);
}

KernelPtr bind_batch_norm(const OpContext& context) {
  return bind_float<BatchNorm>(context, channel_shape(context), attr_float(context.node(), "epsilon", 1e-5F),
                               attr_float(context.node(), "momentum", 0.9F), is_training(context));
}

/// Normalizes each group of channels of each image; an instance is a group of one channel.
template <typename T>
class GroupNorm final : public Kernel {
 public:
  GroupNorm(ChannelShape shape, std::int64_t groups, float epsilon, bool scale_per_group)
      : shape_(shape), groups_(groups), epsilon_(epsilon), scale_per_group_(scale_per_group) {}

  void run(const KernelArgs& args) const override {
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t index = begin; index < end; ++index) run_group(args, index);
    };
    parallel_for(0, shape_.batch * groups_, 1, std::cref(body));
  }

 private:
  void run_group(const KernelArgs& args, std::int64_t index) const {
    const std::int64_t members = shape_.channels / groups_;
    const std::int64_t count = members * shape_.positions;
    const T* x = args.inputs[0].as<T>() + index * count;
    T* y = args.outputs[0].as<T>() + index * count;
    const Moments m = moments_of(count, [&](const auto& visit) {
      for (std::int64_t i = 0; i < count; ++i) visit(static_cast<double>(x[i]));
    });
    const double factor = 1.0 / std::sqrt(m.variance + static_cast<double>(epsilon_));
    const std::int64_t group = index % groups_;
    for (std::int64_t member = 0; member < members; ++member) {
      const std::int64_t at = scale_per_group_ ? group : group * members + member;
      Affine affine;
      affine.factor = static_cast<double>(args.inputs[1].as<T>()[at]) * factor;
      affine.shift = static_cast<double>(args.inputs[2].as<T>()[at]) - m.mean * affine.factor;
      apply_affine(x + member * shape_.positions, y + member * shape_.positions, shape_.positions, affine);
    }
  }

  ChannelShape shape_;
  std::int64_t groups_;
  float epsilon_;
  bool scale_per_group_;
};

std::int64_t group_count(const OpContext& context) {
  const std::int64_t channels = channel_shape(context).channels;
  if (context.node().op_type == "InstanceNormalization") return channels;
  NQ_CHECK(has_attr(context.node(), "num_groups"), input, "GroupNormalization needs num_groups");
  const std::int64_t groups = attr_int(context.node(), "num_groups", 1);
  NQ_CHECK(groups > 0 && channels % groups == 0, input,
           "GroupNormalization cannot cut {} channels into {} groups", channels, groups);
  return groups;
}

bool has_scale_per_group(const OpContext& context) {
  return context.node().op_type == "GroupNormalization" && context.opset() < 21;
}

void infer_group_norm(OpContext& context) {
  check_arity(context, {3, 3});
  check_float(context, 0);
  const std::int64_t groups = group_count(context);
  for (int i = 1; i < 3; ++i) {
    check_same_dtype(context, 0, i);
    check_vector(context, i, has_scale_per_group(context) ? groups : channel_shape(context).channels);
  }
  context.set_output(0, context.input_type(0));
}

KernelPtr bind_group_norm(const OpContext& context) {
  return bind_float<GroupNorm>(context, channel_shape(context), group_count(context),
                               attr_float(context.node(), "epsilon", 1e-5F), has_scale_per_group(context));
}

/// Divides each line along one axis by its L1 or L2 norm; a line of zeros stays zero.
template <typename T>
class LpNorm final : public Kernel {
 public:
  LpNorm(std::int64_t outer, std::int64_t size, std::int64_t inner, std::int64_t p)
      : outer_(outer), size_(size), inner_(inner), p_(p) {}

  void run(const KernelArgs& args) const override {
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t line = begin; line < end; ++line) {
        const std::int64_t at = line / inner_ * size_ * inner_ + line % inner_;
        normalize(args.inputs[0].as<T>() + at, args.outputs[0].as<T>() + at);
      }
    };
    parallel_for(0, outer_ * inner_, 64, std::cref(body));
  }

 private:
  void normalize(const T* x, T* y) const {
    double total = 0.0;
    for (std::int64_t i = 0; i < size_; ++i) {
      const double value = static_cast<double>(x[i * inner_]);
      total += p_ == 1 ? std::fabs(value) : value * value;
    }
    const double norm = p_ == 1 ? total : std::sqrt(total);
    for (std::int64_t i = 0; i < size_; ++i) {
      y[i * inner_] = norm == 0.0 ? T{0} : static_cast<T>(static_cast<double>(x[i * inner_]) / norm);
    }
  }

  std::int64_t outer_, size_, inner_, p_;
};

void infer_lp_norm(OpContext& context) {
  check_arity(context, {1, 1});
  check_float(context, 0);
  const std::int64_t p = attr_int(context.node(), "p", 2);
  NQ_CHECK(p == 1 || p == 2, input, "LpNormalization attribute p is {}, not 1 or 2", p);
  (void)normalize_axis(attr_int(context.node(), "axis", -1), context.input_shape(0).rank());
  context.set_output(0, context.input_type(0));
}

KernelPtr bind_lp_norm(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  const int axis = normalize_axis(attr_int(context.node(), "axis", -1), shape.rank());
  std::int64_t outer = 1;
  std::int64_t inner = 1;
  for (int i = 0; i < axis; ++i) outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  return bind_float<LpNorm>(context, outer, shape[axis], inner, attr_int(context.node(), "p", 2));
}

}  // namespace

void register_norm(OpRegistry& registry) {
  registry.add({"BatchNormalization", 1, INT_MAX, infer_batch_norm, bind_batch_norm});
  registry.add({"InstanceNormalization", 1, INT_MAX, infer_group_norm, bind_group_norm});
  registry.add({"GroupNormalization", 18, INT_MAX, infer_group_norm, bind_group_norm});
  registry.add({"LpNormalization", 1, INT_MAX, infer_lp_norm, bind_lp_norm});
}

}  // namespace nq
