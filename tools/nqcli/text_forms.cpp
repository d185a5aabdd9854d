#include "text_forms.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nq {

std::string type_text(const DeclaredType& type) {
  if (!type.has_shape) return fmt::format("{} of any shape", to_string(type.dtype));
  std::vector<std::string> dims;
  for (const Dim& dim : type.dims) {
    dims.push_back(dim.is_static() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  }
  return fmt::format("{} [{}]", to_string(type.dtype), fmt::join(dims, ","));
}

}  // namespace nq
