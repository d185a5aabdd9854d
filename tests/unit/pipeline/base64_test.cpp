#include "pipeline/base64.hpp"

#include <catch2/catch.hpp>

#include "support/errors.hpp"

namespace nq {
namespace {

std::vector<std::int8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("base64 follows the vectors of RFC 4648", "[pipeline]") {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CHECK(base64_encode(bytes(plain)) == encoded);
    CHECK(base64_decode(encoded) == bytes(plain));
  }
}

TEST_CASE("every byte value survives base64", "[pipeline]") {
  std::vector<std::int8_t> all;
  for (int value = -128; value < 128; ++value) all.push_back(static_cast<std::int8_t>(value));
  for (std::size_t length = 0; length <= all.size(); ++length) {
    const std::vector<std::int8_t> part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE(base64_decode(base64_encode(part)) == part);
  }
}

TEST_CASE("text that the encoder does not produce is refused", "[pipeline]") {
  for (const char* text :
       {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm 9", "Z-8=", "Zh==", "Zm9="}) {
    INFO(text);
    CHECK_ERROR(base64_decode(text), input, "base64 text");
  }
}

}  // namespace nq
