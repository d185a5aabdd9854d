#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "nq/error.hpp"
#include "nq/report_page.hpp"
#include "report/report_json.hpp"
#include "sample_report.hpp"

using namespace nq;

namespace {

std::string changed(const std::function<void(Json&)>& change) {
  Json json = report_document(test::sample_report("name"));
  change(json);
  return json.dump();
}

}  // namespace

TEST_CASE("a report read from its JSON is the same report") {
  const std::string text = report_to_json(test::sample_report("name"));
  const Report read = report_from_text(text, "test");
  REQUIRE(report_to_json(read) == text);
  REQUIRE(report_to_json(test::sample_report("name")) == text);
  REQUIRE(read.models[1].eval.reference->logit_mse == 0.375);
  REQUIRE(*read.reduction(1) == 0.25);
  REQUIRE(!read.reduction(0));
  REQUIRE(read.pictures[0].jpeg == test::sample_report("name").pictures[0].jpeg);
  REQUIRE(!read.sites[1].models[0]);
}

TEST_CASE("the page holds the same data, its pictures apart") {
  Report report = test::sample_report("</script> name");
  const Report read = report_from_text(report_to_html(report), "test");
  report.pictures[0].jpeg.clear();
  report.sites[0].models[0]->quantizers[0].channel_scale.clear();
  REQUIRE(report_to_json(read) == report_to_json(report));
}

TEST_CASE("numbers in even steps are packed as their ends, to the last bit") {
  for (const auto& [from, to, steps] : {std::tuple(0.4, 1.6, 48), {0.0, 2.0, 40}, {-1.0, 1.0, 1}}) {
    std::vector<double> values;
    for (int k = 0; k <= steps; ++k) values.push_back(from + (to - from) * k / steps);
    const Json list = json_floats(values);
    const Json packed = packed_even(list);
    REQUIRE(packed.size() == 3);
    REQUIRE(read_floats(packed, "x") == read_floats(list, "x"));
    Json uneven = list;
    uneven[0] = uneven[0].get<double>() - 0.01;
    uneven.push_back(9.0);
    REQUIRE(packed_even(uneven) == packed_floats(uneven));
  }
  for (const Json& list : {Json::array(), Json{1.0}}) REQUIRE(packed_even(list) == packed_floats(list));
  for (const std::int64_t count : {-1, 1, 1 << 30}) REQUIRE_THROWS_AS(read_floats(Json{{"from", 0.0}, {"to", 1.0}, {"count", count}}, "x"), Error);
}

TEST_CASE("packed numbers are the numbers, to the last bit") {
  const Json list = json_floats(std::vector<double>{0.1, -1.0 / 3, 1e-30, 0, 3e38});
  const Json packed = packed_floats(list);
  REQUIRE(packed.is_string());
  REQUIRE(read_floats(packed, "x") == read_floats(list, "x"));
  REQUIRE(packed_floats(json_floats(read_floats(packed, "x"))) == packed);
  REQUIRE_THROWS_AS(read_floats("AAA=", "x"), Error);
  REQUIRE_THROWS_AS(read_floats(Json(3), "x"), Error);
  REQUIRE_THROWS_AS(read_floats(Json{"a"}, "x"), Error);
}

TEST_CASE("16-bit codes are the numbers to a step, and stay what they are") {
  const std::vector<float> values{0.3F, -0.7F, 0.0001F, 0.0F};
  const Json list = json_codes(values);
  for (std::size_t k = 0; k < values.size(); ++k) REQUIRE(std::fabs(list[k].get<double>() - static_cast<double>(values[k])) <= 0.7 / 65534 + 1e-7);
  REQUIRE(static_cast<float>(list[1].get<double>()) == -0.7F);
  const Json packed = packed_codes(list);
  REQUIRE(read_floats(packed, "x") == read_floats(list, "x"));
  const std::vector<double> read = read_floats(packed, "x");
  REQUIRE(json_codes({read.begin(), read.end()}) == list);
  REQUIRE(json_codes({0.0F, 0.0F}) == json_floats({0, 0}));
  REQUIRE_THROWS_AS(read_floats(Json{{"largest", 1.0}, {"codes", "AAAA"}}, "x"), Error);
}

TEST_CASE("infinite ratios survive as null") {
  Report report = test::sample_report("name");
  report.sites[0].models[0]->error.local_sqnr_db = INFINITY;
  report.sites[0].models[1]->error.local_sqnr_db.reset();
  report.sites[0].models[1]->error.local_mse.reset();
  const Report read = report_from_text(report_to_json(report), "test");
  REQUIRE(std::isinf(*read.sites[0].models[0]->error.local_sqnr_db));
  REQUIRE(!read.sites[0].models[1]->error.local_sqnr_db);
}

TEST_CASE("a damaged report is refused with the place of the damage") {
  const auto refuse = [](const std::string& text, const std::string& place) {
    INFO(place);
    try {
      report_from_text(text, "r.json");
      FAIL("was read");
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::input);
      REQUIRE_THAT(error.message(), Catch::Contains(place));
      REQUIRE_THAT(error.frames().back(), Catch::Contains("r.json"));
    }
  };
  refuse("{", "JSON");
  refuse("[]", "object");
  refuse(changed([](Json& json) { json["command"] = "eval"; }), "no report");
  refuse(changed([](Json& json) { json["schema"] = 99; }), "schema 99");
  refuse(changed([](Json& json) { json.erase("sites"); }), "sites");
  refuse(changed([](Json& json) { json["models"] = Json::array(); }), "models");
  refuse(changed([](Json& json) { json["sites"][0]["models"].erase(0); }), "models");
  refuse(changed([](Json& json) { json["sites"][0]["output"]["counts"][0] = -1; }), "counts");
  refuse(changed([](Json& json) { json["sites"][0]["output"]["exponent"] = 100000; }), "exponent");
  refuse(changed([](Json& json) { json["sites"][0]["models"][0]["quantizers"][0]["scale"] = 0; }), "scale");
  refuse(changed([](Json& json) { json["pictures"][0]["scores"][0].erase(0); }), "scores");
  refuse(changed([](Json& json) { json["pictures"][0]["classes"][0] = 77; }), "class 77");
}
