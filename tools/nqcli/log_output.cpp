#include "log_output.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>

#include "nq/log.hpp"
#include "terminal.hpp"
#include "terminal_progress.hpp"

namespace nq {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
  }
  return spdlog::level::info;
}

void log_line(LogLevel level, std::string_view text) {
  if (!spdlog::default_logger_raw()->should_log(spdlog_level(level))) return;
  TerminalProgress::erase_bar();
  spdlog::log(spdlog_level(level), "{}", text);
}

}  // namespace

void start_log_output(std::string_view level) {
  const auto colours = stderr_has_colour() ? spdlog::color_mode::always : spdlog::color_mode::never;
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(colours);
  auto logger = std::make_shared<spdlog::logger>("nqcli", std::move(sink));
  logger->set_pattern("%^%l%$: %v");
  logger->set_level(spdlog::level::from_str(std::string(level)));
  spdlog::set_default_logger(std::move(logger));
  set_log_sink(log_line);
}

void log_note(std::string_view text) { log_line(LogLevel::info, text); }

void print_error(std::string_view kind, std::string_view text) {
  TerminalProgress::erase_bar();
  const char* colour = stderr_has_colour() ? "\x1b[1;31m" : "";
  const char* plain = stderr_has_colour() ? "\x1b[0m" : "";
  fmt::print(stderr, "{}error[{}]{}: {}\n", colour, kind, plain, text);
}

void print_lines(std::string_view lines) {
  TerminalProgress::erase_bar();
  fmt::print(stderr, "{}", lines);
}

}  // namespace nq
