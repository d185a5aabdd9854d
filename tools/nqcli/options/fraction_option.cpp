#include "options/fraction_option.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace nq {
namespace {

double parse_fraction(const std::string& text) {
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (rest == "%") value /= 100;
  if (status != std::errc() || !(rest.empty() || rest == "%") || !(std::abs(value) <= 1)) {
    throw CLI::ValidationError(fmt::format("'{}' is no fraction: write 0.75 or 75%", text));
  }
  return value;
}

}  // namespace

CLI::Option* add_fraction_option(CLI::App& command, const std::string& flag, std::optional<double>& target,
                                 const std::string& help) {
  return command
      .add_option_function<std::string>(
          flag, [&target](const std::string& text) { target = parse_fraction(text); }, help)
      ->type_name("FRACTION");
}

}  // namespace nq
