#pragma once

#include <array>
#include <string_view>

namespace nq {

/// Values of --log-level, from most to least talkative.
inline constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warning", "error"};

/// Sends the library's messages of `level` and above to stderr, with colours where it takes them.
void start_log_output(std::string_view level);

/// Logs one message of the command line itself at level info.
void log_note(std::string_view text);

/// Prints "error[kind]: text" on stderr at every log level.
void print_error(std::string_view kind, std::string_view text);

/// Prints whole lines on stderr as they are, for a program that reads them there.
void print_lines(std::string_view lines);

}  // namespace nq
