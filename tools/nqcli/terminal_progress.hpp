#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "nq/progress.hpp"

namespace nq {

/// How progress reaches stderr.
enum class ProgressStyle {
  bar,    ///< one line that is redrawn, with rate and time left
  lines,  ///< a plain line at every tenth of the work
  none,
};

/// The style that fits stderr: a bar on a terminal, lines elsewhere, none when quiet.
ProgressStyle progress_style(bool quiet);

/// Progress on stderr. advance() throws Error(interrupted) once a signal arrived, in every style.
class TerminalProgress final : public Progress {
 public:
  explicit TerminalProgress(ProgressStyle style);
  ~TerminalProgress() override;
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;

  void begin(std::string_view phase, std::int64_t total, std::string_view unit) override;
  void advance(std::int64_t done) override;
  void end() override;

  /// Removes a bar that is on the screen, so that another line can be written; the next advance
  /// draws it again.
  static void erase_bar();

 private:
  using Clock = std::chrono::steady_clock;

  void draw_bar();
  void print_line();
  double seconds() const;
  std::string rate_text() const;

  ProgressStyle style_;
  std::string phase_;
  std::string unit_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  std::int64_t printed_tenth_ = 0;
  Clock::time_point start_;
  Clock::time_point drawn_;
};

}  // namespace nq
