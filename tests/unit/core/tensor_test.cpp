#include "nq/tensor.hpp"

#include <catch2/catch.hpp>
#include <cstdint>

#include "core/float_formats.hpp"
#include "support/errors.hpp"

namespace nq {

TEST_CASE("a tensor is zero-filled, aligned and of its type", "[core]") {
  for (const std::int64_t count : {0, 1, 3, 1000}) {
    const Tensor tensor(TensorType{DType::f32, Shape{count}});
    CHECK_FALSE(tensor.empty_handle());
    CHECK(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64 == 0);
    for (const float value : tensor.span<float>()) CHECK(value == 0.0F);
  }
  CHECK(Tensor().empty_handle());
}

TEST_CASE("copies share bytes", "[core]") {
  const Tensor original = Tensor::of(Shape{2, 2}, std::vector<float>{1, 2, 3, 4});
  const Tensor copy = original;
  CHECK(copy.data() == original.data());
  const Tensor flat = original.reshaped(Shape{4});
  CHECK(flat.data() == original.data());
  CHECK(flat.shape() == Shape{4});
  CHECK_ERROR(original.reshaped(Shape{3}), internal, "assertion");
}

TEST_CASE("typed access checks the type and the count", "[core]") {
  Tensor tensor = Tensor::of(Shape{2}, std::vector<float>{1, 2});
  CHECK_ERROR(tensor.span<double>(), internal, "dtype");
  CHECK_ERROR(tensor.mutable_span<std::int32_t>(), internal, "dtype");
  CHECK_ERROR(Tensor::of(Shape{3}, std::vector<float>{1, 2}), internal, "assertion");
  CHECK_ERROR(tensor.strings(), internal, "strings_");
  Tensor view = tensor.reshaped(Shape{1, 2});
  CHECK_ERROR(view.mutable_span<float>(), internal, "mutable_");
}

TEST_CASE("foreign bytes stay alive with the tensor", "[core]") {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{5, 6});
  const std::weak_ptr<std::vector<float>> watch = owner;
  {
    const Tensor tensor(TensorType{DType::f32, Shape{2}}, owner,
                        reinterpret_cast<const std::byte*>(owner->data()));
    owner.reset();
    CHECK_FALSE(watch.expired());
    CHECK(tensor.span<float>()[1] == 6.0F);
  }
  CHECK(watch.expired());
}

TEST_CASE("string tensors hold their texts", "[core]") {
  const Tensor tensor = Tensor::of_strings(Shape{2}, {"a", "bc"});
  CHECK_FALSE(tensor.empty_handle());
  CHECK(tensor.strings()[1] == "bc");
  CHECK_ERROR(to_vector<float>(tensor.view()), unsupported, "string");
  CHECK_ERROR(Tensor::of_strings(Shape{3}, {"a"}), internal, "assertion");
}

TEST_CASE("elements convert to float, double and integers", "[core]") {
  CHECK(to_vector<float>(Tensor::of(Shape{3}, std::vector<std::int8_t>{-128, 0, 127}).view()) ==
        std::vector<float>{-128, 0, 127});
  CHECK(to_vector<std::int64_t>(Tensor::of(Shape{1}, std::vector<std::int64_t>{INT64_MAX}).view()) ==
        std::vector<std::int64_t>{INT64_MAX});
  CHECK(to_vector<double>(Tensor::of(Shape{1}, std::vector<Half>{to_half(1.5F)}).view()) ==
        std::vector<double>{1.5});
  CHECK(to_vector<std::int32_t>(Tensor::scalar(true).view()) == std::vector<std::int32_t>{1});
  Tensor nibbles(TensorType{DType::i4, Shape{2}});
  nibbles.mutable_data()[0] = std::byte{0xF8};
  nibbles.mutable_data()[1] = std::byte{7};
  CHECK(to_vector<float>(nibbles.view()) == std::vector<float>{-8, 7});
}

TEST_CASE("a tensor that no memory can hold is a resource error", "[core]") {
  CHECK_ERROR(Tensor(TensorType{DType::f32, Shape{std::int64_t{1} << 36}}), resource, "2^34");
}

}  // namespace nq
