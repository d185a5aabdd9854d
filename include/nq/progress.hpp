#pragma once

#include <cstdint>
#include <string_view>

namespace nq {

/// Receives the progress of one long phase; implemented by the terminal and by tests.
///
/// Called from one thread at a time. Never throws except Error(interrupted), by which a
/// front end stops the work at the next step.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A phase starts. `unit` is what is counted: "images", "sites".
  virtual void begin(std::string_view phase, std::int64_t total, std::string_view unit) = 0;
  virtual void advance(std::int64_t done) = 0;
  virtual void end() = 0;
};

/// Progress that shows nothing.
class NullProgress final : public Progress {
 public:
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void advance(std::int64_t) override {}
  void end() override {}
};

}  // namespace nq
