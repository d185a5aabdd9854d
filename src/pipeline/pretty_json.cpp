#include "pipeline/pretty_json.hpp"

#include <algorithm>

namespace nq {
namespace {

using Json = nlohmann::ordered_json;

bool fits_one_line(const Json& json) {
  const auto is_scalar = [](const Json& item) { return !item.is_structured(); };
  return json.empty() || (json.is_array() && std::all_of(json.begin(), json.end(), is_scalar));
}

/// Long strings, which are codes in base64, are mostly such that nothing in them needs an escape.
bool is_plain(const std::string& text) {
  int others = 0;  // counted to the end, which a compiler does in vectors
  for (const char c : text) others += c < ' ' || c >= '\x7f' || c == '"' || c == '\\' ? 1 : 0;
  return others == 0;
}

void write(const Json& json, std::size_t depth, std::string& text) {
  if (const auto* string = json.get_ptr<const std::string*>(); string != nullptr && is_plain(*string)) {
    text += '"';
    text += *string;
    text += '"';
    return;
  }
  if (!json.is_structured() || fits_one_line(json)) {
    text += json.dump();
    return;
  }
  const std::string indent(2 * (depth + 1), ' ');
  text += json.is_object() ? "{" : "[";
  bool first = true;
  for (const auto& [key, value] : json.items()) {
    text += first ? "\n" : ",\n";
    first = false;
    text += indent;
    if (json.is_object()) text += Json(key).dump() + ": ";
    write(value, depth + 1, text);
  }
  text += "\n" + std::string(2 * depth, ' ') + (json.is_object() ? "}" : "]");
}

}  // namespace

std::string pretty_json(const Json& json) {
  std::string text;
  write(json, 0, text);
  return text + "\n";
}

}  // namespace nq
