#include "terminal_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "nq/interrupt.hpp"
#include "terminal.hpp"

namespace nq {
namespace {

constexpr int kBarCells = 24;
constexpr auto kRedrawInterval = std::chrono::milliseconds(100);

std::mutex screen_mutex;
bool bar_on_screen = false;

/// Erases to the end of the line (ECMA-48 EL) after going back to its start.
constexpr const char* kEraseLine = "\r\x1b[K";

void write(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string duration_text(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02} min", whole / 60, whole % 60);
  return fmt::format("{}:{:02} h", whole / 3600, whole / 60 % 60);
}

}  // namespace

ProgressStyle progress_style(bool quiet) {
  if (quiet) return ProgressStyle::none;
  return stderr_is_interactive() ? ProgressStyle::bar : ProgressStyle::lines;
}

TerminalProgress::TerminalProgress(ProgressStyle style) : style_(style) {}

TerminalProgress::~TerminalProgress() { erase_bar(); }

void TerminalProgress::erase_bar() {
  const std::lock_guard lock(screen_mutex);
  if (bar_on_screen) write(kEraseLine);
  bar_on_screen = false;
}

void TerminalProgress::begin(std::string_view phase, std::int64_t total, std::string_view unit) {
  check_interrupt();
  phase_ = phase;
  unit_ = unit;
  total_ = total;
  done_ = 0;
  printed_tenth_ = 0;
  start_ = Clock::now();
  drawn_ = {};
  if (style_ == ProgressStyle::bar) draw_bar();
}

void TerminalProgress::advance(std::int64_t done) {
  check_interrupt();
  done_ += done;
  if (style_ == ProgressStyle::bar && Clock::now() - drawn_ >= kRedrawInterval) draw_bar();
  if (style_ == ProgressStyle::lines && total_ > 0 && done_ * 10 / total_ > printed_tenth_) print_line();
}

void TerminalProgress::end() {
  if (style_ == ProgressStyle::none) return;
  erase_bar();
  // A phase that was shown as a bar leaves one line behind, as in a log.
  if (style_ == ProgressStyle::bar || printed_tenth_ < 10) print_line();
}

void TerminalProgress::draw_bar() {
  const double part =
      total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0) : 0;
  const auto filled = static_cast<std::size_t>(part * kBarCells);
  const std::string bar = std::string(filled, '#') + std::string(kBarCells - filled, '.');
  const std::string text =
      fmt::format("{}{} [{}] {}/{} {}{}", kEraseLine, phase_, bar, done_, total_, unit_, rate_text());
  const std::lock_guard lock(screen_mutex);
  write(text);
  bar_on_screen = true;
  drawn_ = Clock::now();
}

void TerminalProgress::print_line() {
  printed_tenth_ = total_ > 0 ? done_ * 10 / total_ : 10;
  const std::lock_guard lock(screen_mutex);
  write(fmt::format("{}: {}/{} {}{}\n", phase_, done_, total_, unit_, rate_text()));
}

double TerminalProgress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

std::string TerminalProgress::rate_text() const {
  const double elapsed = seconds();
  if (done_ <= 0 || elapsed <= 0) return {};
  const double rate = static_cast<double>(done_) / elapsed;
  if (done_ >= total_) return fmt::format(", {:.3g}/s, {} in all", rate, duration_text(elapsed));
  return fmt::format(", {:.3g}/s, {} left", rate, duration_text(static_cast<double>(total_ - done_) / rate));
}

}  // namespace nq
