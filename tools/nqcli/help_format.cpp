#include "help_format.hpp"

#include <algorithm>
#include <regex>

namespace nq {
namespace {

constexpr std::size_t kNameColumn = 32;
constexpr std::size_t kLineWidth = 110;

/// Breaks every line of `text` at blanks so that none is longer than `width`.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string result;
  std::size_t line_length = 0;
  std::string word;
  const auto flush = [&] {
    if (word.empty()) return;
    if (line_length > 0 && line_length + 1 + word.size() > width) {
      result += "\n";
      line_length = 0;
    } else if (line_length > 0) {
      result += " ";
      ++line_length;
    }
    result += word;
    line_length += word.size();
    word.clear();
  };
  for (const char c : text) {
    if (c == ' ' || c == '\n')
      flush();
    else
      word += c;
    if (c == '\n') {
      result += "\n";
      line_length = 0;
    }
  }
  flush();
  return result;
}

/// CLI11 joins the type and the descriptions of its checks: "INT:INT in [2 - 8]", "TEXT:{mse,cosine}".
std::string value_text(const std::string& type) {
  static const std::regex range(R"(^(?:INT|UINT|FLOAT):\w+ in \[(\S+) - (\S+)\]$)");
  std::smatch match;
  if (std::regex_match(type, match, range)) return match[1].str() + ".." + match[2].str();
  const std::size_t colon = type.find(':');
  if (colon == std::string::npos) return type;
  return type[colon + 1] == '{' ? type.substr(colon + 1) : type.substr(0, colon);
}

}  // namespace

HelpFormat::HelpFormat() { column_width(kNameColumn); }

std::string HelpFormat::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  static const std::regex blank_lines("\n{3,}");
  static const std::regex trailing_blanks("[ ]+\n");
  const std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
  return std::regex_replace(std::regex_replace(text, trailing_blanks, "\n"), blank_lines, "\n\n");
}

std::string HelpFormat::make_option_name(const CLI::Option* option, bool is_positional) const {
  // CLI11 shows a negated flag as "--no-fold{false}".
  static const std::regex flag_value(R"(\{[^}]*\})");
  return std::regex_replace(CLI::Formatter::make_option_name(option, is_positional), flag_value, "");
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0) return {};
  const std::string value = value_text(option->get_type_name());
  if (value.empty()) return {};
  return " " + value + (option->get_expected_max() >= CLI::detail::expected_max_vector_size ? " ..." : "");
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
  std::string text = option->get_description();
  std::string note;
  const bool takes_value = option->get_type_size() != 0;
  if (takes_value && option->get_required()) note += " (required)";
  if (takes_value && !option->get_default_str().empty())
    note += " (default: " + option->get_default_str() + ")";
  // A description of several lines is a sentence and a list.
  text.insert(std::min(text.find('\n'), text.size()), note);
  return wrapped(text, kLineWidth - kNameColumn);
}

}  // namespace nq
