#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nq/graph.hpp"

namespace nq {

/// How one operand of a product is made.
struct QuantizedOperand {
  const Node* dequantize = nullptr;
  const Node* quantize = nullptr;  ///< of an activation; null for a stored constant
  const Tensor* codes = nullptr;   ///< of a stored constant, as stored: int4 behind a Cast to `type` has its own type
  bool integer_clip = false;       ///< a Clip on codes lies between quantize and dequantize
  bool transposed = false;         ///< a Transpose lies between dequantize and the product
  DType type = DType::i8;          ///< of the codes
  std::vector<double> scales;      ///< one, or one per channel; empty when not constant
  std::vector<std::int64_t> zero_points;  ///< as scales; one 0 when omitted
  std::int64_t axis = 1;           ///< as written, for more than one scale
  bool has_axis = false;           ///< the attribute is there
  std::int64_t code_min = 0;       ///< codes that can occur: of the type, or of a float Clip before quantizing
  std::int64_t code_max = 0;

  bool is_constant() const noexcept { return codes != nullptr; }
};

/// Reads the operand behind `value` if it comes from DequantizeLinear.
std::optional<QuantizedOperand> read_operand(const Graph& graph, ValueId value);

/// The constant that `value` is, or that a Cast makes it from; null otherwise.
const Tensor* stored_constant(const Graph& graph, ValueId value);

/// Node of the default domain that makes `value`; null for others, constants and graph inputs.
const Node* maker_of(const Graph& graph, ValueId value);

}  // namespace nq
