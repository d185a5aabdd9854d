#include <algorithm>
#include <random>

#include "op_runner.hpp"

using namespace nq;
using namespace nq::test;

namespace {

/// Small random tensors of any numeric type, and attributes with valid names and random values.
class NodeMaker {
 public:
  explicit NodeMaker(std::uint32_t seed) : random_(seed) {}

  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint32_t>(limit));
  }

  Shape shape() {
    std::vector<std::int64_t> dims(static_cast<std::size_t>(below(5)));
    for (std::int64_t& dim : dims) dim = below(4);
    return Shape(dims);
  }

  Tensor tensor_of(DType dtype, const Shape& shape) {
    Tensor result(TensorType{dtype, shape});
    for (std::size_t i = 0; i < result.bytes(); ++i) {
      const bool one_byte_flag = dtype == DType::boolean;
      result.mutable_data()[i] = static_cast<std::byte>(one_byte_flag ? below(2) : small_byte(i, dtype));
    }
    return result;
  }

  DType dtype() { return kTypes[below(std::size(kTypes))]; }

  Attributes attributes() {
    Attributes result;
    for (const char* name : {"axis", "keepdims", "to", "block_size", "output_dtype", "fmod", "broadcast"}) {
      if (below(7) == 0) result[name] = kIntegers[below(std::size(kIntegers))];
    }
    if (below(6) == 0) result["axes"] = std::vector<std::int64_t>{kIntegers[below(std::size(kIntegers))]};
    if (below(20) == 0) result["axis"] = std::string("a string");
    return result;
  }

 private:
  static constexpr DType kTypes[] = {DType::f32, DType::f32,      DType::f32, DType::f64, DType::i8,
                                     DType::u8,  DType::i32,      DType::i64, DType::i64, DType::boolean,
                                     DType::u16, DType::f8e4m3fn, DType::i4};
  static constexpr std::int64_t kIntegers[] = {0, 1, 2, -1, 3, 7, INT64_MAX, INT64_MIN, 1000000};

  /// Little-endian integers stay small: only the lowest byte of an element is random, rarely all.
  std::int64_t small_byte(std::size_t index, DType dtype) {
    const bool lowest = index % element_bytes(dtype) == 0;
    if (is_float(dtype) || below(40) == 0) return below(256);
    return lowest ? below(4) : 0;
  }

  std::mt19937 random_;
};

std::size_t total_bytes(const OpContext& context) {
  std::size_t bytes = 0;
  for (const auto& type : context.output_types()) bytes += type ? type->bytes() : 0;
  return bytes;
}

}  // namespace

TEST_CASE("no random node crashes an operator or reports a defect", "[ops]") {
  NodeMaker maker(20240607);
  int accepted = 0;
  for (const OpDef& def : builtin_ops().all()) {
    for (int trial = 0; trial < 150; ++trial) {
      OpCase op{std::string(def.type), std::min(def.until, def.since + static_cast<int>(maker.below(20))),
                maker.attributes()};
      op.domain = def.domain;
      op.num_outputs = maker.below(4) == 0 ? 1 + static_cast<int>(maker.below(3)) : 1;
      const DType common_dtype = maker.dtype();
      const Shape common_shape = maker.shape();
      std::vector<Tensor> inputs;
      for (std::int64_t i = 1 + maker.below(3); i > 0; --i) {
        const DType dtype = maker.below(4) == 0 ? maker.dtype() : common_dtype;
        const Shape shape = maker.below(2) == 0 ? maker.shape() : common_shape;
        inputs.push_back(maker.below(15) == 0 ? Tensor{} : maker.tensor_of(dtype, shape));
      }
      INFO(def.type << " trial " << trial << " opset " << op.opset);
      try {
        const OpRunner runner(op, std::move(inputs));
        if (total_bytes(runner.context()) > (std::size_t{1} << 24)) continue;
        (void)runner.run();
        ++accepted;
      } catch (const Error& error) {
        INFO(error.full_text());
        CHECK(error.kind() != ErrorKind::internal);
      }
    }
  }
  CHECK(accepted > 1000);  // else the nodes are too wild to test anything but arity checks
}
