#pragma once

#include <string>
#include <string_view>

namespace nq {

/// What stands before and behind the document in a page; neither can occur within it.
inline constexpr std::string_view kDataBegin = "<script type=\"application/json\" id=\"report-data\">";
inline constexpr std::string_view kDataEnd = "</script>";

/// Text as it is shown: markup characters become references; what is no UTF-8 and control characters become U+FFFD.
/// Serves between tags and within quoted attributes.
std::string html_text(std::string_view text);

/// A JSON text that may stand within a script element of any type: no '<', '>' or '&' and nothing beyond ASCII is left
/// in it, and it parses to the same value.
std::string script_json(std::string_view json);

/// Valid UTF-8 without control characters but tab and newline; U+FFFD stands for what was not.
std::string clean_utf8(std::string_view text);

}  // namespace nq
