#pragma once

#include <climits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nq/graph.hpp"
#include "nq/tensor.hpp"

namespace nq {

/// What an operator sees of its node: attributes, input types, constants.
///
/// Shapes are always static here: a graph is specialized before it is planned. Errors thrown
/// by an operator get the node's name, type and opset as a frame from the caller.
class OpContext {
 public:
  OpContext(const Node& node, std::vector<const TensorType*> input_types,
            std::vector<const Tensor*> constants);

  const Node& node() const noexcept { return *node_; }
  int opset() const noexcept { return node_->opset; }

  int num_inputs() const noexcept { return static_cast<int>(input_types_.size()); }
  /// False for an omitted optional input.
  bool has_input(int i) const noexcept;
  /// Type of input i. Throws Error(input) when it is absent.
  const TensorType& input_type(int i) const;
  const Shape& input_shape(int i) const { return input_type(i).shape; }
  /// The input's value when it is known before running, else null.
  const Tensor* constant(int i) const noexcept;
  /// As constant(), but throws Error(unsupported) when the value is only known at run time.
  const Tensor& require_constant(int i) const;

  int num_outputs() const noexcept { return static_cast<int>(node_->outputs.size()); }
  /// False when the node does not name output i.
  bool has_output(int i) const noexcept;
  void set_output(int i, TensorType type);
  /// Valid after infer.
  const TensorType& output_type(int i) const;
  const std::vector<std::optional<TensorType>>& output_types() const noexcept { return outputs_; }

 private:
  const Node* node_;
  std::vector<const TensorType*> input_types_;
  std::vector<const Tensor*> constants_;
  std::vector<std::optional<TensorType>> outputs_;
};

/// Arguments of one kernel call. All views are dense row-major.
struct KernelArgs {
  std::span<const TensorView> inputs;           ///< absent inputs have no data
  std::span<const MutableTensorView> outputs;   ///< absent outputs have no data
  std::span<std::byte> scratch;                 ///< at least scratch_bytes(), 64-byte aligned
};

/// A node bound to its types: immutable, shareable between threads, allocates nothing in run().
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const KernelArgs& args) const = 0;
  virtual std::size_t scratch_bytes() const { return 0; }
  /// True when output 0 is input 0 under another shape; the plan then moves no bytes.
  virtual bool is_view() const { return false; }
  /// Input whose memory output 0 may overwrite element by element, or -1.
  virtual int in_place_input() const { return -1; }
};

/// How reduced-precision floats reach an operator.
enum class Promotion {
  compute_in_f32,  ///< float16 and bfloat16 inputs arrive as float32, results are rounded back
  none,            ///< the operator handles every type itself (data movement, Cast, QDQ)
};

/// One version range of one operator.
struct OpDef {
  std::string_view type;
  int since = 1;         ///< first opset version of the domain with these semantics
  int until = INT_MAX;   ///< last opset version with these semantics
  /// Sets the type of every present output from input types, attributes and constants.
  void (*infer)(OpContext&) = nullptr;
  std::unique_ptr<const Kernel> (*bind)(const OpContext&) = nullptr;
  Promotion promotion = Promotion::compute_in_f32;
  std::string_view domain = {};
};

/// All operators known; built once from the plug list in src/ops/CMakeLists.txt.
class OpRegistry {
 public:
  void add(OpDef def);
  /// Definition that covers `opset`, or null.
  const OpDef* find(std::string_view domain, std::string_view type, int opset) const;
  std::span<const OpDef> all() const noexcept { return defs_; }

 private:
  std::vector<OpDef> defs_;
};

/// The registry with every operator of this build.
const OpRegistry& builtin_ops();

}  // namespace nq
