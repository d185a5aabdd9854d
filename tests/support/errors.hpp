#pragma once

#include <catch2/catch.hpp>

#include "nq/error.hpp"

namespace nq::test {

/// The Error that `body` throws; a failure when it throws none.
template <typename Body>
Error error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no nq::Error was thrown");
  return Error(ErrorKind::internal, "unreachable");
}

}  // namespace nq::test

/// The expression throws an nq::Error of the kind whose full text contains `text`.
#define CHECK_ERROR(expression, error_kind, text)                                          \
  do {                                                                                     \
    const ::nq::Error caught = ::nq::test::error_of([&] { (void)(expression); });          \
    CHECK(::nq::to_string(caught.kind()) == ::nq::to_string(::nq::ErrorKind::error_kind)); \
    CHECK_THAT(caught.full_text(), Catch::Matchers::Contains(text));                       \
  } while (false)
