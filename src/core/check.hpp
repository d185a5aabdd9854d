#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "nq/error.hpp"

// The only macros of the library. NQ_CHECK guards against the user's input, NQ_ASSERT against
// our own mistakes; both stay on in every build type.

#define NQ_CHECK(cond, kind, ...)                                             \
  do {                                                                        \
    if (!(cond)) throw ::nq::Error(::nq::ErrorKind::kind, fmt::format(__VA_ARGS__)); \
  } while (false)

#define NQ_ASSERT(cond)                                                              \
  do {                                                                               \
    if (!(cond))                                                                     \
      throw ::nq::Error(::nq::ErrorKind::internal,                                   \
                        fmt::format("assertion failed: {} ({}:{})", #cond, __FILE__, __LINE__)); \
  } while (false)

namespace nq {

/// Builds an Error of `kind` with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Runs `body`; an Error that leaves it gains the frame that `frame()` returns.
template <typename Body, typename Frame>
decltype(auto) with_context(Body&& body, Frame&& frame) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error& error) {
    throw error.with_frame(std::forward<Frame>(frame)());
  }
}

}  // namespace nq
