#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nq/model_file.hpp"

namespace nq {

/// Runtime that a quantized file is meant for. `portable` obeys the rules of all the others.
enum class Target { portable, ort_cpu, tensorrt, openvino };

/// "portable", "ort-cpu", "tensorrt", "openvino".
std::string_view to_string(Target target) noexcept;
/// Throws Error(usage) listing the names.
Target target_from(std::string_view name);

/// Whether sums of two neighbouring products leave 16 bits where a runtime adds them there: u8 x s8 products on x86
/// without VNNI (VPMADDUBSW).
enum class Saturation {
  impossible,  ///< for no codes that the quantizer can make
  possible,    ///< some codes within the quantizer's range do it
  unknown,     ///< the weight is no constant, or the layer does not run on integers
};
std::string_view to_string(Saturation saturation) noexcept;

/// What becomes of one product that has a quantized operand, or of a float one.
struct ProductVerdict {
  std::string name;
  std::string origin;
  std::string op_type;
  std::string bias_output;  ///< output of the Add behind it, empty without one
  bool quantized = false;   ///< an operand comes from DequantizeLinear
  bool int8_kernel = false;
  std::string reason;       ///< why it stays float; empty for an int8 kernel
  Saturation saturation = Saturation::unknown;
  std::int64_t largest_pair_sum = 0;  ///< of magnitudes, over all pairs of products and all codes
};

enum class Severity { error, warning };

/// One broken rule.
struct Finding {
  Severity severity = Severity::error;
  std::string node;  ///< display name; empty for the file as a whole
  std::string message;
};

struct Verification {
  Target target = Target::portable;
  int opset = 0;
  std::int64_t ir_version = 0;
  std::vector<ProductVerdict> products;  ///< every MatMul, Gemm and Conv, in execution order
  std::vector<Finding> findings;

  std::int64_t num_quantized() const noexcept;
  std::int64_t num_int8() const noexcept;
  /// No error was found, and every quantized product runs on an int8 kernel.
  bool passed() const noexcept;
};

/// Judges a file by the rules of docs/adr/0014, without running it. Throws as ModelFile::to_graph().
Verification verify(const ModelFile& model, Target target);

/// What ONNX Runtime made of each product, read from the optimized graph that it writes.
struct RuntimeVerdict {
  std::string origin;
  bool int8_kernel = false;
  std::string operator_found;  ///< "MatMulIntegerToFloat", ...; empty when nothing with the product's name is left
};

/// Reads an optimized graph. One verdict per product of `verification`, in its order.
std::vector<RuntimeVerdict> read_optimized_graph(const ModelFile& optimized, const Verification& verification);

}  // namespace nq
