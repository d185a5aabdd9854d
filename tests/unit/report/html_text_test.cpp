#include "report/html_text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "nq/report_page.hpp"
#include "sample_report.hpp"

using namespace nq;

namespace {

const std::string kHostile = "</script><script>x()</script><!--<script \"'&amp;\xE2\x80\xA8\xE2\x80\xA9 \xFF\x01<img src=x onerror=y>";

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("markup characters become references, everywhere") {
  REQUIRE(html_text("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  REQUIRE(html_text("&amp;") == "&amp;amp;");
  REQUIRE(html_text("") == "");
  REQUIRE(html_text("Größe 图") == "Größe 图");
}

TEST_CASE("what is no UTF-8 and control characters are replaced") {
  REQUIRE(clean_utf8("a\xFFz") == "a\xEF\xBF\xBDz");
  REQUIRE(clean_utf8(std::string("a\0z", 3)) == "a\xEF\xBF\xBDz");
  REQUIRE(clean_utf8("a\tb\nc") == "a\tb\nc");
  REQUIRE(clean_utf8("\xC0\xAF").find('/') == std::string::npos);
}

TEST_CASE("JSON for a script element holds no markup and means the same") {
  const nlohmann::ordered_json value = {{"</script>", "<!-- \xE2\x80\xA8 & > \\u003c"}, {"n", 0.1}};
  const std::string text = script_json(value.dump());
  for (const char c : text) {
    REQUIRE(static_cast<unsigned char>(c) < 0x80);
    REQUIRE((c != '<' && c != '>' && c != '&'));
  }
  REQUIRE(nlohmann::ordered_json::parse(text) == value);
}

TEST_CASE("hostile texts in every place of a report leave its markup as it is") {
  const std::string plain = report_to_html(test::sample_report("plain"));
  const std::string page = report_to_html(test::sample_report(kHostile));
  for (const char* part : {"<script", "</script", "<img", "<!--", "<svg", "<table", "<tr", "</td>"}) {
    INFO(part);
    REQUIRE(count(page, part) == count(plain, part));
  }
  REQUIRE(count(page, "\xE2\x80\xA8") > 0);  // shown as it is, which is no markup
  REQUIRE(page.substr(page.find(kDataBegin)).find("\xE2\x80\xA8") == std::string::npos);
  REQUIRE(clean_utf8(page) == page);
}

TEST_CASE("the page forbids itself every request and names no address to load from") {
  const std::string page = report_to_html(test::sample_report("plain"));
  REQUIRE(count(page, "default-src 'none'") == 1);
  REQUIRE(count(page, "script-src 'sha256-") == 1);
  for (const char* part : {"src=\"http", "href=\"http", "@import", "url(http"}) REQUIRE(count(page, part) == 0);
}
