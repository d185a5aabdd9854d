#include "output_check.hpp"

#include <fmt/format.h>

#include "nq/error.hpp"
#include "nq/output_file.hpp"

namespace nq {
namespace {

bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(a, ignored) == std::filesystem::weakly_canonical(b, ignored) ||
         std::filesystem::equivalent(a, b, ignored);
}

}  // namespace

void check_output(const std::filesystem::path& output, const std::vector<std::filesystem::path>& inputs) {
  for (const auto& input : inputs) {
    if (is_same_file(output, input)) {
      throw Error(
          ErrorKind::usage,
          fmt::format("the output '{}' would replace the input '{}'", output.string(), input.string()),
          "choose another name with -o");
    }
  }
  check_writable(output);
}

}  // namespace nq
