#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "core/parallel.hpp"
#include "ops/arguments.hpp"
#include "ops/convert.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

enum class PadMode { constant, reflect, edge, wrap };

PadMode pad_mode(const OpContext& context) {
  const std::string mode = attr_string(context.node(), "mode", "constant");
  if (mode == "constant") return PadMode::constant;
  if (mode == "reflect") return PadMode::reflect;
  if (mode == "edge") return PadMode::edge;
  if (mode == "wrap" && context.opset() >= 19) return PadMode::wrap;
  fail(ErrorKind::input, "Pad (opset {}) mode is '{}'", context.opset(), mode);
}

/// One axis: `length` source elements from `first` on, `before` filler ones ahead of them.
struct PadAxis {
  std::int64_t in = 0;
  std::int64_t first = 0;
  std::int64_t length = 0;
  std::int64_t before = 0;
  std::int64_t out = 0;

  bool changes() const noexcept { return length != in || out != length; }
};

/// Source position of output element `k` in [0, axis.length), or -1 for the constant.
std::int64_t source_of(const PadAxis& axis, PadMode mode, std::int64_t k) {
  const std::int64_t at = k - axis.before;
  if (at >= 0 && at < axis.length) return at;
  switch (mode) {
    case PadMode::constant: return -1;
    case PadMode::edge: return std::clamp<std::int64_t>(at, 0, axis.length - 1);
    case PadMode::wrap: return (at % axis.length + axis.length) % axis.length;
    case PadMode::reflect: break;
  }
  // Mirrors at both ends without repeating them: the pattern has period 2 * (length - 1).
  const std::int64_t period = std::max<std::int64_t>(1, 2 * (axis.length - 1));
  const std::int64_t phase = (at % period + period) % period;
  return std::min(phase, period - phase) % axis.length;
}

/// Negative pads cut elements off; what is left is then extended by the positive ones.
PadAxis make_axis(std::int64_t length, std::int64_t before, std::int64_t after, PadMode mode) {
  for (const std::int64_t pad : {before, after}) {
    NQ_CHECK(pad <= kMaxElements && pad >= -kMaxElements, resource, "Pad by {} elements", pad);
  }
  const std::int64_t cut_before = std::max<std::int64_t>(0, -before);
  const std::int64_t cut_after = std::max<std::int64_t>(0, -after);
  const std::int64_t left = length - cut_before - cut_after;
  NQ_CHECK(left >= 0, input, "Pad by {} and {} cuts more than an axis of {}", before, after, length);
  const std::int64_t added = std::max<std::int64_t>(0, before) + std::max<std::int64_t>(0, after);
  NQ_CHECK(left > 0 || added == 0 || mode == PadMode::constant, input,
           "Pad cannot extend an axis that has no elements");
  return {length, cut_before, left, std::max<std::int64_t>(0, before), left + added};
}

/// Pads of all axes, [before of each axis..., after of each axis...]. The list is an attribute
/// before opset 11 (`paddings` in opset 1); opset 18 adds axes.
std::vector<PadAxis> pad_axes(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  const auto pads = ints_argument(context, {context.opset() < 2 ? "paddings" : "pads", 1, 11});
  NQ_CHECK(pads.has_value(), input, "Pad has no pads");
  std::vector<int> axes(static_cast<std::size_t>(shape.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  if (context.opset() >= 18 && context.has_input(3)) {
    axes = normalize_axes(constant_ints(context, 3), shape.rank());
  }
  NQ_CHECK(pads->size() == 2 * axes.size(), input, "Pad has {} pads for {} axes", pads->size(), axes.size());
  std::vector<PadAxis> result;
  for (const std::int64_t length : shape) result.push_back({length, 0, length, 0, length});
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::int64_t length = shape[axes[k]];
    result[axes[k]] = make_axis(length, (*pads)[k], (*pads)[axes.size() + k], pad_mode(context));
  }
  return result;
}

/// The constant before opset 11, a float attribute; null element (zero) when omitted.
Tensor pad_value(const OpContext& context) {
  Tensor element(TensorType{context.input_type(0).dtype, {}});
  if (context.opset() >= 11) return element;
  const float value = attr_float(context.node(), "value", 0.0F);
  find_converter(DType::f32, element.dtype())(reinterpret_cast<const std::byte*>(&value),
                                              element.mutable_data(), 1);
  return element;
}

void infer_pad(OpContext& context) {
  check_arity(context, {context.opset() < 11 ? 1 : 2, context.opset() < 18 ? 3 : 4});
  check_movable(context, 0);
  if (context.has_input(2)) {
    check_same_dtype(context, 0, 2);
    NQ_CHECK(context.input_shape(2).elements() == 1, input, "Pad constant_value has shape {}",
             to_string(context.input_shape(2)));
  }
  Shape out;
  for (const PadAxis& axis : pad_axes(context)) out.push_back(axis.out);
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

/// Writes the output row by row. A row runs along the last axis that changes; its items are blocks
/// of the unchanged axes behind it.
class PadKernel final : public Kernel {
 public:
  explicit PadKernel(const OpContext& context)
      : mode_(pad_mode(context)), value_(pad_value(context)), axes_(pad_axes(context)) {
    strides_ = dense_strides(context.input_shape(0));
    while (!axes_.empty() && !axes_.back().changes()) {
      block_ *= axes_.back().length;
      axes_.pop_back();
      strides_.pop_back();
    }
    if (axes_.empty()) {
      axes_.push_back({block_, 0, block_, 0, block_});
      strides_.push_back(1);
      block_ = 1;
    }
    row_ = axes_.back();
    axes_.pop_back();
    bytes_ = value_.bytes();
    const std::int64_t elements = context.output_type(0).shape.elements();
    rows_ = elements == 0 ? 0 : elements / (row_.out * block_);
  }

  void run(const KernelArgs& args) const override {
    const bool given = args.inputs.size() > 2 && args.inputs[2].present();
    const std::byte* value = given ? args.inputs[2].data : value_.data();
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        write_row(args.inputs[0].data, value, args.outputs[0].data, row);
      }
    };
    const std::int64_t row_bytes = row_.out * block_ * static_cast<std::int64_t>(bytes_);
    parallel_for(0, rows_, std::max<std::int64_t>(1, kCopyGrainBytes / std::max<std::int64_t>(1, row_bytes)),
                 std::ref(chunk));
  }

 private:
  /// Offset of the source row in elements, or -1 when the row lies outside.
  std::int64_t source_row(std::int64_t row) const {
    std::int64_t offset = 0;
    for (std::size_t k = axes_.size(); k-- > 0;) {
      const std::int64_t at = source_of(axes_[k], mode_, row % axes_[k].out);
      if (at < 0) return -1;
      offset += (axes_[k].first + at) * strides_[k];
      row /= axes_[k].out;
    }
    return offset + row_.first * strides_.back();
  }

  void write_row(const std::byte* data, const std::byte* value, std::byte* out, std::int64_t row) const {
    const std::int64_t item = block_ * static_cast<std::int64_t>(bytes_);
    std::byte* to = out + row * row_.out * item;
    const std::int64_t offset = source_row(row);
    if (offset < 0) return fill_elements(to, value, row_.out * block_, bytes_);
    const std::byte* from = data + offset * static_cast<std::int64_t>(bytes_);
    const auto write_item = [&](std::int64_t k) {
      const std::int64_t at = source_of(row_, mode_, k);
      if (at < 0)
        fill_elements(to + k * item, value, block_, bytes_);
      else
        std::memcpy(to + k * item, from + at * item, static_cast<std::size_t>(item));
    };
    const std::int64_t inside_end = row_.before + row_.length;
    for (std::int64_t k = 0; k < row_.before; ++k) write_item(k);
    if (row_.length > 0) {
      std::memcpy(to + row_.before * item, from, static_cast<std::size_t>(row_.length * item));
    }
    for (std::int64_t k = inside_end; k < row_.out; ++k) write_item(k);
  }

  PadMode mode_;
  Tensor value_;
  std::vector<PadAxis> axes_;          ///< the axes ahead of the row
  std::vector<std::int64_t> strides_;  ///< of the input: axes_, then the row's axis
  PadAxis row_;
  std::int64_t block_ = 1;
  std::int64_t rows_ = 0;
  std::size_t bytes_ = 0;
};

KernelPtr bind_pad(const OpContext& context) { return std::make_unique<PadKernel>(context); }

}  // namespace

void register_pad(OpRegistry& registry) {
  registry.add({.type = "Pad", .infer = infer_pad, .bind = bind_pad, .promotion = Promotion::none});
}

}  // namespace nq
