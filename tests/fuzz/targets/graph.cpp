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

Tensor filled(const Shape& shape, std::uint64_t seed, float scale, float offset = 0) {
  Tensor tensor(nq::TensorType{nq::DType::f32, shape});
  std::uint64_t place = seed * 1000003;
  for (float& value : tensor.mutable_span<float>()) value = offset + scale * nq::fuzz::value_at(place++);
  return tensor;
}

Tensor integers(const std::vector<std::int64_t>& values) {
  return Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, values);
}

/// Builds a graph of float values whose last axis is a channel axis.
class Builder {
 public:
  explicit Builder(nq::fuzz::Bytes& bytes) : bytes_(bytes) {
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
    return made("MatMul", {x, constant(filled(Shape{in, out}, bytes_.byte(), 1.0F))});
  }

  void linear() {
    const std::int64_t in = last().shape.back();
    const std::int64_t out = channels();
    std::string y = product(last().name, in, out);
    if (bytes_.coin()) {
      const std::string bias = constant(filled(Shape{out}, bytes_.byte(), 0.5F));
      y = bytes_.coin() ? made("Add", {bias, y}) : made("Add", {y, bias});
    }
    push(y, with_channels(out));
  }

  void layer_norm() {
    const std::int64_t count = last().shape.back();
    const std::string name = fresh();
    nq::Node& made = node("LayerNormalization",
                          {last().name, constant(filled(Shape{count}, bytes_.byte(), 0.5F, 1.0F)),
                           constant(filled(Shape{count}, bytes_.byte(), 0.5F))},
                          name);
    made.attributes.emplace("epsilon", bytes_.coin() ? 1e-5F : 1e-3F);
    push(name, last().shape);
  }

  void unary() {
    static const char* const kOps[] = {"Relu", "Sigmoid", "Tanh", "Abs", "Neg", "Erf", "Identity", "Floor"};
    const char* const op = bytes_.one_of(kOps);
    rounds_ = rounds_ || std::string(op) == "Floor";
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
    push(made(op, {last().name, constant(filled(Shape{last().shape.back()}, bytes_.byte(), 1.0F))}), last().shape);
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
    if (bytes_.coin()) scores = made("Add", {scores, constant(filled(Shape{1, heads, tokens, tokens}, bytes_.byte(), 1.0F))});
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
         {stored, constant(filled(Shape{out}, seed, 0.002F, 0.005F)),
          constant(Tensor::of<std::int8_t>(Shape{out}, std::vector<std::int8_t>(static_cast<std::size_t>(out), 0)))},
         w)
        .attributes.emplace("axis", std::int64_t{1});
    std::string y = made("MatMul", {x, w});
    if (bytes_.coin()) y = made("Add", {y, constant(filled(Shape{out}, seed + 1, 0.5F))});
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

  nq::fuzz::Bytes& bytes_;
  nq::Graph graph_;
  std::vector<Named> values_;
  int names_ = 0;
  bool rounds_ = false;
};

std::vector<Tensor> run(const nq::TypedGraph& typed, nq::KernelChoice kernels, const Tensor& input) {
  nq::PlanOptions options;
  options.kernels = kernels;
  return nq::Executor(nq::make_plan(typed, options)).run({&input, 1});
}

double largest(const Tensor& tensor) {
  double most = 0;
  for (const float value : tensor.span<float>()) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

double distance(const Tensor& a, const Tensor& b) {
  nq::fuzz::require(a.shape() == b.shape(), "outputs of other shapes");
  double most = 0;
  for (std::size_t k = 0; k < a.span<float>().size(); ++k) {
    const float x = a.span<float>()[k];
    const float y = b.span<float>()[k];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    nq::fuzz::require(std::isfinite(x) && std::isfinite(y), "a value is finite in one run and not in the other");
    most = std::max(most, std::abs(static_cast<double>(x) - static_cast<double>(y)));
  }
  return most;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nq;
  fuzz::Bytes bytes(data, size);
  const float scale = bytes.one_of({1.0F, 0.01F, 30.0F, 1e-20F});
  fuzz::refuse_or([&] {
    Builder builder(bytes);
    builder.build();
    Specialization spec;
    spec.shapes.emplace("x", builder.input_shape());
    const TypedGraph typed = specialize(builder.graph(), spec);
    spec.keep_quantized_weights = true;
    const TypedGraph kept = specialize(builder.graph(), spec);
    const Tensor input = filled(builder.input_shape(), 1, scale);
    Tensor moved = input;
    std::uint64_t place = 0;
    for (float& value : moved.mutable_span<float>()) value *= 1.0F + 1e-6F * fuzz::value_at(place++ * 31);
    const auto expected = run(typed, KernelChoice::reference, input);
    const auto nudged = run(typed, KernelChoice::reference, moved);
    const auto fused = run(kept, KernelChoice::automatic, input);
    fuzz::require(expected.size() == fused.size(), "another number of outputs");
    for (std::size_t k = 0; k < expected.size(); ++k) {
      // How far rounding may carry is seen from how far a nudge of the input does. A code that falls on the other side of
      // its boundary moves what follows by a step.
      const double allowed = (builder.rounds() ? 0.5 : 1e-4) * largest(expected[k]) + 100 * distance(expected[k], nudged[k]) + 1e-6;
      const double apart = distance(expected[k], fused[k]);
      if (apart > allowed) {
        fuzz::finding("output " + std::to_string(k) + " of the fused run is " + std::to_string(apart) + " off, allowed " +
                      std::to_string(allowed));
      }
    }
  });
  return 0;
}
