#pragma once

#include <cstdint>

// TensorProto.DataType numbers.

namespace nq::test {

inline constexpr std::int64_t kFloat = 1, kUint8 = 2, kInt8 = 3, kInt32 = 6, kInt64 = 7, kString = 8, kBool = 9, kFloat16 = 10,
                              kUint64 = 13, kComplex = 14, kBfloat16 = 16, kE4m3 = 17, kUint4 = 21, kInt4 = 22;

}  // namespace nq::test
