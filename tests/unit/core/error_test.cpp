#include "nq/error.hpp"

#include <catch2/catch.hpp>

#include "core/check.hpp"
#include "support/errors.hpp"

namespace nq {

TEST_CASE("every error kind has its documented exit code and name", "[core]") {
  const std::vector<std::tuple<ErrorKind, int, std::string>> table = {
      {ErrorKind::usage, 2, "usage"},
      {ErrorKind::input, 3, "input"},
      {ErrorKind::unsupported, 4, "unsupported"},
      {ErrorKind::gate, 5, "gate"},
      {ErrorKind::resource, 6, "resource"},
      {ErrorKind::internal, 70, "internal"},
      {ErrorKind::interrupted, 130, "interrupted"}};
  for (const auto& [kind, code, name] : table) {
    CHECK(exit_code(kind) == code);
    CHECK(to_string(kind) == name);
  }
}

TEST_CASE("error text is message, frames from inner to outer, hint", "[core]") {
  const Error plain(ErrorKind::input, "bad file");
  CHECK(plain.full_text() == "bad file");
  CHECK(std::string(plain.what()) == "bad file");
  const Error framed =
      Error(ErrorKind::input, "bad file", "try another").with_frame("in a").with_frame("in b");
  CHECK(framed.full_text() == "bad file · in a · in b · hint: try another");
  CHECK(framed.frames() == std::vector<std::string>{"in a", "in b"});
  CHECK(framed.message() == "bad file");
  CHECK(framed.hint() == "try another");
}

TEST_CASE("with_context passes values through and frames nq errors only", "[core]") {
  CHECK(with_context([] { return 5; }, [] { return std::string("unused"); }) == 5);
  const Error error = test::error_of([] {
    with_context([] { fail(ErrorKind::unsupported, "no {}", 3); },
                 [] { return std::string("while testing"); });
  });
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK(error.full_text() == "no 3 · while testing");
  const auto foreign = [] {
    with_context([] { throw std::logic_error("other"); }, [] { return std::string("frame"); });
  };
  CHECK_THROWS_AS(foreign(), std::logic_error);
}

TEST_CASE("failed assertions are internal errors that name the condition", "[core]") {
  const int value = 3;
  CHECK_ERROR([&] { NQ_ASSERT(value == 4); }(), internal, "value == 4");
}

}  // namespace nq
