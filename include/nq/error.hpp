#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nq {

/// What went wrong, seen from the user: each kind has one documented exit code.
enum class ErrorKind {
  usage,        ///< a flag or option value cannot be accepted
  input,        ///< a file cannot be read or written, or its content is invalid
  unsupported,  ///< the model is valid but uses something nqcli does not implement
  gate,         ///< an accuracy gate was evaluated and failed
  resource,     ///< a stated limit (memory, elements, pixels) would be exceeded
  internal,     ///< a defect of nqcli itself
  interrupted,  ///< SIGINT or SIGTERM arrived
};

/// Process exit code of a kind: 2, 3, 4, 5, 6, 70 or 130. Frozen; see docs/cli.md.
int exit_code(ErrorKind kind) noexcept;

/// Name of a kind as printed in messages: "usage", "input", ...
std::string_view to_string(ErrorKind kind) noexcept;

/// The one exception type of the library.
///
/// Holds the plain statement of the problem, the context frames added on the way up
/// ("while planning node '/blocks.0/attn/qkv/MatMul'"), and a hint of what to try.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string message, std::string hint = {});

  ErrorKind kind() const noexcept { return kind_; }
  const std::string& message() const noexcept { return message_; }
  const std::vector<std::string>& frames() const noexcept { return frames_; }
  const std::string& hint() const noexcept { return hint_; }

  /// The same error with one more outer frame.
  Error with_frame(std::string frame) const;

  /// "message · frame · frame · hint: ..." on one line.
  std::string full_text() const;

 private:
  ErrorKind kind_;
  std::string message_;
  std::vector<std::string> frames_;
  std::string hint_;
};

}  // namespace nq
