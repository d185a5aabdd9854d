#include "nq/error.hpp"

#include <utility>

namespace nq {

int exit_code(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage: return 2;
    case ErrorKind::input: return 3;
    case ErrorKind::unsupported: return 4;
    case ErrorKind::gate: return 5;
    case ErrorKind::resource: return 6;
    case ErrorKind::internal: return 70;
    case ErrorKind::interrupted: return 130;
  }
  return 70;
}

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::input: return "input";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::gate: return "gate";
    case ErrorKind::resource: return "resource";
    case ErrorKind::internal: return "internal";
    case ErrorKind::interrupted: return "interrupted";
  }
  return "internal";
}

Error::Error(ErrorKind kind, std::string message, std::string hint)
    : std::runtime_error(message), kind_(kind), message_(std::move(message)), hint_(std::move(hint)) {}

Error Error::with_frame(std::string frame) const {
  Error copy = *this;
  copy.frames_.push_back(std::move(frame));
  return copy;
}

std::string Error::full_text() const {
  std::string text = message_;
  for (const std::string& frame : frames_) text += " · " + frame;
  if (!hint_.empty()) text += " · hint: " + hint_;
  return text;
}

}  // namespace nq
