#include "report/html_text.hpp"

#include <nlohmann/json.hpp>

namespace nq {

std::string clean_utf8(std::string_view text) {
  using Json = nlohmann::json;
  // The library's own check of UTF-8, there and back.
  const std::string valid = Json::parse(Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
  std::string clean;
  for (const char c : valid) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_control = (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7F;
    if (is_control) clean += "\xEF\xBF\xBD";
    else clean += c;
  }
  return clean;
}

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : clean_utf8(text)) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

std::string script_json(std::string_view json) {
  using Json = nlohmann::ordered_json;
  std::string escaped;
  for (const char c : Json::parse(json).dump(-1, ' ', true)) {
    switch (c) {
      case '<': escaped += "\\u003c"; break;
      case '>': escaped += "\\u003e"; break;
      case '&': escaped += "\\u0026"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

}  // namespace nq
