#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/parallel.hpp"
#include "kernels/gemm.hpp"
#include "ops/check.hpp"
#include "ops/strided_copy.hpp"

// Einsum (opset 12): any number of operands, repeated labels (diagonals), ellipsis with
// broadcasting, explicit or implicit output. Two float operands that read as batched matrices go
// through the matrix product.

namespace nq {
namespace {

/// One label of the equation: how each operand and the output move along it.
struct Label {
  std::int64_t size = 1;
  std::vector<std::int64_t> strides;  ///< per operand, in elements; 0 where absent or repeated
  std::vector<bool> present;          ///< per operand
  std::int64_t out_stride = 0;
};

struct EinsumPlan {
  std::vector<Label> kept;    ///< output axes in order
  std::vector<Label> summed;  ///< the others, in order of first appearance
  Shape out;
};

/// Labels of one term; an ellipsis of n axes becomes the labels '0', '1', ... right-aligned.
constexpr int kMaxEllipsis = 10;

struct Equation {
  std::vector<std::string> terms;
  std::string out;
  bool has_out = false;
};

Equation split_equation(const std::string& text) {
  std::string compact;
  std::copy_if(text.begin(), text.end(), std::back_inserter(compact), [](char c) { return c != ' '; });
  Equation equation;
  const std::size_t arrow = compact.find("->");
  equation.has_out = arrow != std::string::npos;
  if (equation.has_out) equation.out = compact.substr(arrow + 2);
  std::string left = compact.substr(0, arrow);
  for (std::size_t start = 0;;) {
    const std::size_t comma = left.find(',', start);
    equation.terms.push_back(left.substr(start, comma - start));
    if (comma == std::string::npos) break;
    start = comma + 1;
  }
  return equation;
}

/// Replaces "..." in a term by `count` digit labels; checks the remaining characters.
std::string expand_ellipsis(const std::string& term, int count) {
  std::string labels;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term.compare(i, 3, "...") == 0) {
      for (int axis = count - 1; axis >= 0; --axis) labels += static_cast<char>('0' + axis);
      i += 2;
      continue;
    }
    const bool is_letter = (term[i] >= 'a' && term[i] <= 'z') || (term[i] >= 'A' && term[i] <= 'Z');
    NQ_CHECK(is_letter, input, "Einsum term '{}' holds '{}', which is no label", term, term[i]);
    labels += term[i];
  }
  return labels;
}

/// Labels of the output when the equation gives none: ellipsis first, then every letter that
/// appears once, in alphabetical order.
std::string implicit_output(const std::vector<std::string>& terms, int ellipsis) {
  std::map<char, int> uses;
  for (const std::string& term : terms) {
    for (const char label : term) ++uses[label];
  }
  std::string out = expand_ellipsis("...", ellipsis);
  for (const auto& [label, count] : uses) {
    if (count == 1 && (label < '0' || label > '9')) out += label;
  }
  return out;
}

int letters_in(const std::string& term) {
  return static_cast<int>(std::count_if(term.begin(), term.end(), [](char c) { return c != '.'; }));
}

EinsumPlan plan_einsum(const OpContext& context) {
  const Equation equation = split_equation(attr_string(context.node(), "equation", ""));
  const int operands = context.num_inputs();
  NQ_CHECK(static_cast<int>(equation.terms.size()) == operands, input, "Einsum has {} terms for {} inputs",
           equation.terms.size(), operands);
  std::vector<std::string> terms;
  int ellipsis = 0;
  for (int i = 0; i < operands; ++i) {
    const std::string& term = equation.terms[static_cast<std::size_t>(i)];
    const int rank = context.input_shape(i).rank();
    const bool open = term.find("...") != std::string::npos;
    const int extra = open ? rank - letters_in(term) : 0;
    NQ_CHECK(extra >= 0 && extra <= kMaxEllipsis, input, "Einsum term '{}' does not fit shape {}", term,
             to_string(context.input_shape(i)));
    terms.push_back(expand_ellipsis(term, extra));
    NQ_CHECK(static_cast<int>(terms.back().size()) == rank, input, "Einsum term '{}' does not fit shape {}",
             term, to_string(context.input_shape(i)));
    ellipsis = std::max(ellipsis, extra);
  }

  std::map<char, Label> labels;
  std::string order;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const Shape& shape = context.input_shape(static_cast<int>(i));
    const std::vector<std::int64_t> strides = dense_strides(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const char name = terms[i][static_cast<std::size_t>(axis)];
      if (order.find(name) == std::string::npos) order += name;
      Label& label = labels[name];
      label.strides.resize(terms.size(), 0);
      label.present.resize(terms.size(), false);
      NQ_CHECK(shape[axis] == label.size || shape[axis] == 1 || label.size == 1, input,
               "Einsum label '{}' has sizes {} and {}", name, label.size, shape[axis]);
      label.size = std::max(label.size, shape[axis]);
      if (shape[axis] == 0) label.size = 0;
      label.present[i] = true;
      if (shape[axis] != 1) label.strides[i] += strides[static_cast<std::size_t>(axis)];
    }
  }

  const std::string out =
      equation.has_out ? expand_ellipsis(equation.out, ellipsis) : implicit_output(terms, ellipsis);
  EinsumPlan plan;
  for (std::size_t i = 0; i < out.size(); ++i) {
    NQ_CHECK(labels.count(out[i]) == 1 && out.find(out[i], i + 1) == std::string::npos, input,
             "Einsum output label '{}' is unknown or repeated", out[i]);
    plan.kept.push_back(labels[out[i]]);
    plan.out.push_back(labels[out[i]].size);
  }
  std::int64_t stride = 1;
  for (std::size_t i = plan.kept.size(); i-- > 0; stride *= plan.kept[i].size)
    plan.kept[i].out_stride = stride;
  for (const char name : order) {
    if (out.find(name) == std::string::npos) plan.summed.push_back(labels[name]);
  }
  return plan;
}

/// Sums products of operands at the offsets of one output element.
template <typename T>
class PlainEinsum final : public Kernel {
 public:
  explicit PlainEinsum(EinsumPlan plan) : plan_(std::move(plan)) {
    NQ_CHECK(plan_.kept.size() + plan_.summed.size() <= kMaxLabels, unsupported, "Einsum with {} labels",
             plan_.kept.size() + plan_.summed.size());
  }

  void run(const KernelArgs& args) const override {
    T* out = args.outputs[0].as<T>();
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t index = begin; index < end; ++index) out[index] = element(args, index);
    };
    parallel_for(0, args.outputs[0].elements(), 64, std::cref(body));
  }

 private:
  static constexpr std::size_t kMaxLabels = 64;

  T element(const KernelArgs& args, std::int64_t index) const {
    std::int64_t summed = 1;
    for (const Label& label : plan_.summed) summed *= label.size;
    T total{0};
    for (std::int64_t term = 0; term < summed; ++term) {
      T product{1};
      for (std::size_t i = 0; i < args.inputs.size(); ++i) {
        product *= args.inputs[i].as<T>()[offset(plan_.kept, index, i) + offset(plan_.summed, term, i)];
      }
      total += product;
    }
    return total;
  }

  static std::int64_t offset(const std::vector<Label>& labels, std::int64_t index, std::size_t operand) {
    std::int64_t result = 0;
    for (std::size_t axis = labels.size(); axis-- > 0;) {
      result += index % labels[axis].size * labels[axis].strides[operand];
      index /= labels[axis].size;
    }
    return result;
  }

  EinsumPlan plan_;
};

/// Labels merged into one axis of a matrix.
struct MergedAxis {
  std::int64_t size = 1;
  std::int64_t a_stride = 0, b_stride = 0, out_stride = 0;

  /// Appends a label on the inner side; false when the strides do not nest.
  bool append(const Label& label) {
    if (label.size == 1) return true;
    if (size != 1 &&
        (a_stride != label.strides[0] * label.size || b_stride != label.strides[1] * label.size ||
         out_stride != label.out_stride * label.size)) {
      return false;
    }
    size *= label.size;
    a_stride = label.strides[0];
    b_stride = label.strides[1];
    out_stride = label.out_stride;
    return true;
  }
};

/// Two float operands as batched matrices.
class ProductEinsum final : public Kernel {
 public:
  /// Empty when the labels do not read as matrices.
  static KernelPtr try_make(const EinsumPlan& plan) {
    auto kernel = std::make_unique<ProductEinsum>();
    std::vector<Label> batch;
    for (const Label& label : plan.kept) {
      if (label.present[0] && label.present[1]) {
        batch.push_back(label);
      } else if (!(label.present[0] ? kernel->rows_ : kernel->cols_).append(label)) {
        return nullptr;
      }
    }
    for (const Label& label : plan.summed) {
      if (!label.present[0] || !label.present[1] || !kernel->depth_.append(label)) return nullptr;
    }
    if (kernel->cols_.size > 1 && kernel->cols_.out_stride != 1) {
      // The output runs along the first operand: compute the transposed product instead.
      kernel->swapped_ = true;
      if (kernel->rows_.out_stride != 1) return nullptr;
    }
    kernel->place_products(batch);
    return kernel;
  }

  void run(const KernelArgs& args) const override {
    const std::size_t left = swapped_ ? 1 : 0;
    const MergedAxis& rows = swapped_ ? cols_ : rows_;
    const MergedAxis& cols = swapped_ ? rows_ : cols_;
    const auto stride = [](const MergedAxis& axis, std::size_t operand) {
      return operand == 0 ? axis.a_stride : axis.b_stride;
    };
    kernels::BatchedProduct product;
    product.rows = rows.size;
    product.depth = depth_.size;
    product.cols = cols.size;
    product.a = args.inputs[left].as<float>();
    product.a_row_stride = stride(rows, left);
    product.a_col_stride = stride(depth_, left);
    product.b = args.inputs[1 - left].as<float>();
    product.b_row_stride = stride(depth_, 1 - left);
    product.b_col_stride = stride(cols, 1 - left);
    product.a_offsets = offsets_[left];
    product.b_offsets = offsets_[1 - left];
    product.c = args.outputs[0].as<float>();
    product.c_row_stride = rows.size == 1 ? cols.size : rows.out_stride;
    product.c_offsets = out_offsets_;
    kernels::gemm_batched(product);
  }

 private:
  void place_products(const std::vector<Label>& batch) {
    std::int64_t products = 1;
    for (const Label& label : batch) products *= label.size;
    for (std::int64_t index = 0; index < products; ++index) {
      std::array<std::int64_t, 3> at{};
      std::int64_t rest = index;
      for (std::size_t axis = batch.size(); axis-- > 0; rest /= batch[axis].size) {
        const std::int64_t position = rest % batch[axis].size;
        at[0] += position * batch[axis].strides[0];
        at[1] += position * batch[axis].strides[1];
        at[2] += position * batch[axis].out_stride;
      }
      offsets_[0].push_back(at[0]);
      offsets_[1].push_back(at[1]);
      out_offsets_.push_back(at[2]);
    }
  }

  MergedAxis rows_, depth_, cols_;
  bool swapped_ = false;
  std::array<std::vector<std::int64_t>, 2> offsets_;
  std::vector<std::int64_t> out_offsets_;
};

void infer_einsum(OpContext& context) {
  check_arity(context, {1, INT_MAX});
  if (!is_numeric(context.input_type(0).dtype)) fail_dtype(context, 0);
  for (int i = 1; i < context.num_inputs(); ++i) check_same_dtype(context, 0, i);
  context.set_output(0, {context.input_type(0).dtype, plan_einsum(context).out});
}

KernelPtr bind_einsum(const OpContext& context) {
  const EinsumPlan plan = plan_einsum(context);
  if (context.input_type(0).dtype == DType::f32 && context.num_inputs() == 2) {
    if (KernelPtr kernel = ProductEinsum::try_make(plan)) return kernel;
  }
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    return std::make_unique<PlainEinsum<typename decltype(tag)::type>>(plan);
  });
}

}  // namespace

void register_einsum(OpRegistry& registry) {
  registry.add({"Einsum", 12, INT_MAX, infer_einsum, bind_einsum});
}

}  // namespace nq
