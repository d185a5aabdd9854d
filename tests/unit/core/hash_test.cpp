#include "core/hash.hpp"

#include <catch2/catch.hpp>

#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace nq {

TEST_CASE("sha256 matches the vectors of FIPS 180-4", "[core]") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256 does not depend on how the bytes are split", "[core]") {
  std::string text;
  for (int k = 0; k < 300; ++k) text.push_back(static_cast<char>(k * 7));
  for (std::size_t length = 0; length < text.size(); ++length) {
    Sha256 split;
    split.update(std::string_view(text).substr(0, length));
    split.update(std::string_view(text).substr(length));
    REQUIRE(split.hex() == sha256_hex(text));
  }
}

TEST_CASE("sha256 of a file equals that of its bytes", "[core]") {
  const test::TempDir folder;
  const std::string bytes((1 << 20) + 17, 'x');
  CHECK(sha256_file(folder.write("big", bytes)) == sha256_hex(bytes));
  CHECK(sha256_file(folder.write("empty", "")) == sha256_hex(""));
  CHECK_ERROR(sha256_file(folder / "missing"), input, "missing");
  CHECK_ERROR(sha256_file(folder.path()), input, folder.path().string());
}

}  // namespace nq
