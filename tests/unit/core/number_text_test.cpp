#include "nq/number_text.hpp"

#include <catch2/catch.hpp>

namespace nq {

TEST_CASE("sizes keep three digits and never show a thousand of a prefix") {
  CHECK(bytes_text(0) == "0 bytes");
  CHECK(bytes_text(999) == "999 bytes");
  CHECK(bytes_text(1000) == "1 kB");
  CHECK(bytes_text(999'499) == "999 kB");
  CHECK(bytes_text(999'600) == "1 MB");
  CHECK(bytes_text(5'712'345) == "5.71 MB");
  CHECK(bytes_text(999'600'000) == "1 GB");
  CHECK(count_text(999) == "999");
  CHECK(count_text(5'530) == "5.53 k");
  CHECK(count_text(1'258'000'000) == "1.26 G");
}

TEST_CASE("shares") {
  CHECK(percent_text(0.816) == "81.60 %");
  CHECK(percent_text(1) == "100.00 %");
  CHECK(small_percent_text(0.000713) == "0.0713 %");
  CHECK(small_percent_text(0) == "0 %");
}

}  // namespace nq
