// Small random graphs, run by the fused kernels and by the reference kernels, which must agree.

#include <algorithm>
#include <cmath>

#include "fuzz_support.hpp"
#include "nq/executor.hpp"
#include "unit/graph/graph_builder.hpp"

namespace {

using nq::Shape;
using nq::Tensor;

constexpr int kMaxSteps = 12;
constexpr std::uint64_t kNudges = 16;  ///< tried before a difference counts

Tensor filled(const Shape& shape, std::uint64_t seed, float scale, float offset = 0) {
  Tensor tensor(nq::TensorType{nq::DType::f32, shape});
  std::uint64_t place = seed * 1000003;
  for (float& value : tensor.mutable_span<float>()) value = offset + scale * nq::fuzz::value_at(place++);
  return tensor;
}

/// Moves every value by some units in its last place, which ones follows from the seed.
void nudge(Tensor& tensor, std::uint64_t seed) {
  std::uint64_t place = seed * 7368787;
  for (float& value : tensor.mutable_span<float>()) value *= 1.0F + 1e-6F * nq::fuzz::value_at(place++);
}

Tensor integers(const std::vector<std::int64_t>& values) {
  return Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, values);
}

/// Builds a graph of float values whose last axis is a channel axis. Graphs of the same bytes differ by their nudges only; the
/// nudge 0 moves nothing.
class Builder {
 public:
  Builder(const nq::fuzz::Bytes& bytes, std::uint64_t nudge) : bytes_(bytes), nudge_(nudge) {
    const Shape shape{1, 1 + bytes_.below(6), channels()};
    nq::test::add_input(graph_, "x");
    values_.push_back({"x", shape});
  }

  void build() {
    for (int step = 0; step < kMaxSteps && !bytes_.empty(); ++step) this->step();
    nq::test::add_output(graph_, values_.back().name);
    if (values_.size() > 2 && bytes_.coin()) nq::test::add_output(graph_, values_[values_.size() / 2].name);
  }

  const nq::Graph& graph() const { return graph_; }
  const Shape& input_shape() const { return values_.front().shape; }
  /// Codes of activations: one may fall on either side of a boundary.
  bool rounds() const { return rounds_; }

 private:
  struct Named {
    std::string name;
    Shape shape;
  };

  std::int64_t channels() {
    static constexpr std::int64_t kSizes[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 32, 33};
    return bytes_.one_of(kSizes);
  }

  std::string fresh() { return "v" + std::to_string(++names_); }

  std::string constant(const Tensor& tensor) {
    const std::string name = "c" + std::to_string(++names_);
    graph_.add_constant(name, tensor);
    return name;
  }
  /// Weights that follow from a byte, or from a seed.
  std::string drawn(const Shape& shape, float scale, float offset = 0) { return drawn(shape, bytes_.byte(), scale, offset); }
  std::string drawn(const Shape& shape, std::uint64_t seed, float scale, float offset) {
    Tensor tensor = filled(shape, seed, scale, offset);
    if (nudge_ != 0) nudge(tensor, nudge_ + static_cast<std::uint64_t>(names_));
    return constant(tensor);
  }
  std::string scalar(float value) { return constant(Tensor::of<float>(Shape{}, {value})); }

  nq::Node& node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output) {
    return graph_.node(nq::test::add(graph_, op, inputs, {output}));
  }
  std::string made(const std::string& op, const std::vector<std::string>& inputs) {
    const std::string name = fresh();
    node(op, inputs, name);
    return name;
  }

  const Named& last() const { return values_.back(); }
  void push(const std::string& name, const Shape& shape) { values_.push_back({name, shape}); }

  void step() {
    switch (bytes_.below(12)) {
      case 0: case 1: return linear();
      case 2: return layer_norm();
      case 3: return unary();
      case 4: return gelu();
      case 5: return residual();
      case 6: return attention();
      case 7: return quantized_linear();
      case 8: return transpose();
      case 9: return slice();
      case 10: return softmax();
      default: return reduce();
    }
  }

  Shape with_channels(std::int64_t count) const {
    Shape shape = last().shape;
    shape[shape.rank() - 1] = count;
    return shape;
  }

  std::string product(const std::string& x, std::int64_t in, std::int64_t out) {
    return made("MatMul", {x, drawn(Shape{in, out}, 1.0F)});
  }

  void linear() {
    const std::int64_t in = last().shape.back();
    const std::int64_t out = channels();
    std::string y = product(last().name, in, out);
    if (bytes_.coin()) {
      const std::string bias = drawn(Shape{out}, 0.5F);
      y = bytes_.coin() ? made("Add", {bias, y}) : made("Add", {y, bias});
    }
    push(y, with_channels(out));
  }

  void layer_norm() {
    const std::int64_t count = last().shape.back();
    const std::string name = fresh();
    nq::Node& made = node("LayerNormalization",
                          {last().name, drawn(Shape{count}, 0.5F, 1.0F), drawn(Shape{count}, 0.5F)}, name);
    made.attributes.emplace("epsilon", bytes_.coin() ? 1e-5F : 1e-3F);
    push(name, last().shape);
  }

  void unary() {
    // Round and not Floor: Gelu of large negative values is exactly zero by its formula and nearly zero when it is fused, and a
    // step at zero would make a unit of that.
    static const char* const kOps[] = {"Relu", "Sigmoid", "Tanh", "Abs", "Neg", "Erf", "Identity", "Round"};
    const char* const op = bytes_.one_of(kOps);
    rounds_ = rounds_ || std::string(op) == "Round";
    push(made(op, {last().name}), last().shape);
  }

  void gelu() {
    const std::string x = last().name;
    const std::string inner = made("Erf", {made("Div", {x, scalar(1.41421356F)})});
    const std::string sum = made("Add", {inner, scalar(1.0F)});
    const std::string y = bytes_.coin() ? made("Mul", {made("Mul", {x, scalar(0.5F)}), sum})
                                        : made("Mul", {made("Mul", {x, sum}), scalar(0.5F)});
    push(y, last().shape);
  }

  void residual() {
    const Named& other = values_[static_cast<std::size_t>(bytes_.byte()) % values_.size()];
    static const char* const kOps[] = {"Add", "Mul", "Sub", "Max"};
    const char* const op = bytes_.one_of(kOps);
    if (other.shape == last().shape) return push(made(op, {last().name, other.name}), last().shape);
    push(made(op, {last().name, drawn(Shape{last().shape.back()}, 1.0F)}), last().shape);
  }

  std::string heads_of(const std::string& x, std::int64_t tokens, std::int64_t heads, std::int64_t dim, bool keys) {
    const std::string parts = made("Reshape", {x, constant(integers({1, tokens, heads, dim}))});
    const std::string name = fresh();
    nq::Node& moved = node("Transpose", {parts}, name);
    moved.attributes.emplace("perm", keys ? std::vector<std::int64_t>{0, 2, 3, 1} : std::vector<std::int64_t>{0, 2, 1, 3});
    return name;
  }

  void attention() {
    if (last().shape.rank() != 3) return;
    const std::int64_t tokens = last().shape[1];
    const std::int64_t in = last().shape.back();
    const std::int64_t heads = 1 + bytes_.below(3);
    const std::int64_t dim = 1 + bytes_.below(9);
    const std::string x = last().name;
    const std::string q = heads_of(product(x, in, heads * dim), tokens, heads, dim, false);
    const std::string k = heads_of(product(x, in, heads * dim), tokens, heads, dim, true);
    const std::string v = heads_of(product(x, in, heads * dim), tokens, heads, dim, false);
    std::string scores = made("MatMul", {q, k});
    if (bytes_.coin()) scores = made("Mul", {scores, scalar(1.0F / std::sqrt(static_cast<float>(dim)))});
    if (bytes_.coin()) scores = made("Add", {scores, drawn(Shape{1, heads, tokens, tokens}, 1.0F)});
    const std::string weights = fresh();
    node("Softmax", {scores}, weights).attributes.emplace("axis", std::int64_t{-1});
    const std::string mixed = made("MatMul", {weights, v});
    const std::string joined = fresh();
    node("Transpose", {mixed}, joined).attributes.emplace("perm", std::vector<std::int64_t>{0, 2, 1, 3});
    push(made("Reshape", {joined, constant(integers({1, tokens, heads * dim}))}), Shape{1, tokens, heads * dim});
  }

  /// x and weight through 8-bit codes, the way quantized files hold a layer.
  void quantized_linear() {
    rounds_ = true;
    const std::int64_t in = last().shape.back();
    const std::int64_t out = channels();
    const std::string scale = scalar(0.01F * static_cast<float>(1 + bytes_.below(8)));
    const bool is_signed = bytes_.coin();
    const std::string zero = is_signed ? constant(Tensor::of<std::int8_t>(Shape{}, {static_cast<std::int8_t>(bytes_.below(9) - 4)}))
                                       : constant(Tensor::of<std::uint8_t>(Shape{}, {static_cast<std::uint8_t>(bytes_.byte())}));
    const std::string codes = made("QuantizeLinear", {last().name, scale, zero});
    const std::string x = made("DequantizeLinear", {codes, scale, zero});
    std::vector<std::int8_t> weight(static_cast<std::size_t>(in * out));
    const std::uint64_t seed = bytes_.byte();
    for (std::size_t k = 0; k < weight.size(); ++k) {
      weight[k] = static_cast<std::int8_t>(127.0F * nq::fuzz::value_at(seed * 7919 + k));
    }
    const std::string stored = constant(Tensor::of<std::int8_t>(Shape{in, out}, weight));
    const std::string w = fresh();
    node("DequantizeLinear",
         {stored, drawn(Shape{out}, seed, 0.002F, 0.005F),
          constant(Tensor::of<std::int8_t>(Shape{out}, std::vector<std::int8_t>(static_cast<std::size_t>(out), 0)))},
         w)
        .attributes.emplace("axis", std::int64_t{1});
    std::string y = made("MatMul", {x, w});
    if (bytes_.coin()) y = made("Add", {y, drawn(Shape{out}, seed + 1, 0.5F, 0)});
    push(y, with_channels(out));
  }

  void transpose() {
    if (last().shape.rank() != 3) return;
    const std::string name = fresh();
    node("Transpose", {last().name}, name).attributes.emplace("perm", std::vector<std::int64_t>{0, 2, 1});
    push(name, Shape{last().shape[0], last().shape[2], last().shape[1]});
  }

  void slice() {
    const int axis = last().shape.rank() - 1;
    const std::int64_t size = last().shape[axis];
    const std::int64_t start = bytes_.byte() % size;
    Shape shape = last().shape;
    shape[axis] = size - start;
    push(made("Slice", {last().name, constant(integers({start})), constant(integers({size})), constant(integers({axis}))}), shape);
  }

  void softmax() {
    const std::string name = fresh();
    node("Softmax", {last().name}, name).attributes.emplace("axis", bytes_.coin() ? std::int64_t{-1} : std::int64_t{1});
    push(name, last().shape);
  }

  void reduce() {
    const std::string name = fresh();
    nq::Node& made = node("ReduceMean", {last().name}, name);
    made.attributes.emplace("axes", std::vector<std::int64_t>{last().shape.rank() - 1});
    made.attributes.emplace("keepdims", std::int64_t{1});
    push(name, with_channels(1));
  }

  nq::fuzz::Bytes bytes_;
  std::uint64_t nudge_;
  nq::Graph graph_;
  std::vector<Named> values_;
  int names_ = 0;
  bool rounds_ = false;
};

/// The graph of the bytes, with its weights nudged.
Builder built(const nq::fuzz::Bytes& bytes, std::uint64_t nudge) {
  Builder builder(bytes, nudge);
  builder.build();
  return builder;
}

nq::TypedGraph typed(const Builder& builder, bool keep_quantized_weights) {
  nq::Specialization spec;
  spec.shapes.emplace("x", builder.input_shape());
  spec.keep_quantized_weights = keep_quantized_weights;
  return nq::specialize(builder.graph(), spec);
}

std::vector<Tensor> run(const nq::TypedGraph& graph, nq::KernelChoice kernels, const Tensor& input) {
  nq::PlanOptions options;
  options.kernels = kernels;
  return nq::Executor(nq::make_plan(graph, options)).run({&input, 1});
}

double largest(const Tensor& tensor) {
  double most = 0;
  for (const float value : tensor.span<float>()) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

/// Infinite when a value is finite in one of them and not in the other.
double distance(const Tensor& a, const Tensor& b) {
  nq::fuzz::require(a.shape() == b.shape(), "outputs of other shapes");
  double most = 0;
  for (std::size_t k = 0; k < a.span<float>().size(); ++k) {
    const float x = a.span<float>()[k];
    const float y = b.span<float>()[k];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    if (!std::isfinite(x) || !std::isfinite(y)) return HUGE_VAL;
    most = std::max(most, std::abs(static_cast<double>(x) - static_cast<double>(y)));
  }
  return most;
}

/// How far the outputs of the fused run may lie from those of the reference run. How far rounding carries is seen from how
/// far nudges of input and weights do. They are tried while the runs differ by more: few move a value across a step that what
/// follows enlarges.
class Tolerance {
 public:
  Tolerance(const nq::fuzz::Bytes& bytes, bool rounds, const Tensor& input, const std::vector<Tensor>& expected)
      : bytes_(bytes), share_(rounds ? 0.5 : 1e-4), input_(input), expected_(expected), carried_(expected.size(), 0.0) {}

  bool allows(std::size_t output, double apart) {
    while (apart > allowed(output) && nudges_ < kNudges) try_nudge();
    return apart <= allowed(output);
  }
  double allowed(std::size_t output) const { return share_ * largest(expected_[output]) + 100 * carried_[output] + 1e-6; }

 private:
  void try_nudge() {
    const Builder builder = built(bytes_, ++nudges_);
    Tensor moved = input_;
    nudge(moved, nudges_);
    const auto outputs = run(typed(builder, false), nq::KernelChoice::reference, moved);
    for (std::size_t k = 0; k < outputs.size(); ++k) carried_[k] = std::max(carried_[k], distance(expected_[k], outputs[k]));
  }

  const nq::fuzz::Bytes& bytes_;
  double share_;  ///< of the largest value; a code on the other side of its boundary moves what follows by a step
  const Tensor& input_;
  const std::vector<Tensor>& expected_;
  std::vector<double> carried_;
  std::uint64_t nudges_ = 0;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nq;
  fuzz::Bytes bytes(data, size);
  const float scale = bytes.one_of({1.0F, 0.01F, 30.0F, 1e-20F});
  fuzz::refuse_or([&] {
    const Builder builder = built(bytes, 0);
    const Tensor input = filled(builder.input_shape(), 1, scale);
    const auto expected = run(typed(builder, false), KernelChoice::reference, input);
    const auto fused = run(typed(builder, true), KernelChoice::automatic, input);
    fuzz::require(expected.size() == fused.size(), "another number of outputs");
    Tolerance tolerance(bytes, builder.rounds(), input, expected);
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const double apart = distance(expected[k], fused[k]);
      if (!tolerance.allows(k, apart)) {
        fuzz::finding("output " + std::to_string(k) + " of the fused run is " + std::to_string(apart) + " off, allowed " +
                      std::to_string(tolerance.allowed(k)));
      }
    }
  });
  return 0;
}
