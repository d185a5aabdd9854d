#pragma once

#include <CLI/CLI.hpp>

namespace nq {

/// Help texts of one terminal width: values as "2..8" or "{fp32,quantized}", defaults and "required" in
/// the description, descriptions wrapped.
class HelpFormat final : public CLI::Formatter {
 public:
  HelpFormat();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace nq
