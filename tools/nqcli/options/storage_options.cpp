#include "options/storage_options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nq/error.hpp"
#include "output_names.hpp"

namespace nq {

void StorageOptions::add_to(CLI::App& command) {
  command
      .add_option("--weight-storage", weights,
                  "Type of the stored weights: int4 halves those of at most 4 bits (opset 21); results stay the same")
      ->check(CLI::IsMember({"int8", "int4"}))
      ->default_str("int8")
      ->group("Quantization");
}

void StorageOptions::check(const CalibrationOptions& calibration) const {
  constexpr int kInt4Bits = 4;
  const auto fits = [](const BitsRule& rule) { return rule.weight_bits && *rule.weight_bits <= kInt4Bits; };
  if (!is_int4() || calibration.fit.weight_bits <= kInt4Bits ||
      std::any_of(calibration.bits.begin(), calibration.bits.end(), fits)) {
    return;
  }
  throw Error(ErrorKind::usage,
              fmt::format("--weight-storage int4 holds weights of at most 4 bits, and --wbits is {}", calibration.fit.weight_bits),
              "--wbits 4 or a --bits rule such as 'fc1=w4'");
}

void StorageOptions::record(Recipe& recipe) const {
  if (is_int4()) recipe.options[kWeightStorageOption] = weights;
  else if (!weights.empty()) recipe.options.erase(kWeightStorageOption);
}

}  // namespace nq
