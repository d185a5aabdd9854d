#include "document.hpp"

#include <cstdio>
#include <vector>

#include "nq/error.hpp"

namespace nq {

Json new_document(std::string_view command) {
  Json document = Json::object();
  document["schema"] = kJsonSchema;
  document["command"] = command;
  return document;
}

Json json_shape(const Shape& shape) { return std::vector<std::int64_t>(shape.begin(), shape.end()); }

void print_document(const Json& document) {
  // Names in a model may hold bytes that are not UTF-8; they are replaced, not refused.
  print_text(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void print_text(std::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) throw Error(ErrorKind::input, "cannot write to standard output");
}

}  // namespace nq
