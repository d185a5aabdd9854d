#include <catch2/catch.hpp>

#include "nq/graph.hpp"
#include "support/errors.hpp"

namespace nq {

TEST_CASE("attributes are typed and have defaults", "[graph]") {
  Node node;
  node.op_type = "Op";
  node.name = "n";
  node.attributes["i"] = std::int64_t{3};
  node.attributes["f"] = 1.5F;
  node.attributes["s"] = std::string("text");
  node.attributes["t"] = Tensor::scalar(2.0F);
  node.attributes["ints"] = std::vector<std::int64_t>{1, 2};
  node.attributes["floats"] = std::vector<float>{0.5F};
  node.attributes["strings"] = std::vector<std::string>{"a"};
  CHECK(attr_int(node, "i", 0) == 3);
  CHECK(attr_int(node, "absent", 9) == 9);
  CHECK(attr_float(node, "f", 0) == 1.5F);
  CHECK(attr_string(node, "s", "") == "text");
  CHECK(attr_string(node, "absent", "default") == "default");
  CHECK(attr_tensor(node, "t")->span<float>()[0] == 2.0F);
  CHECK(attr_tensor(node, "absent") == nullptr);
  CHECK(attr_ints(node, "ints") == std::vector<std::int64_t>{1, 2});
  CHECK(attr_ints(node, "absent").empty());
  CHECK(attr_floats(node, "floats") == std::vector<float>{0.5F});
  CHECK(attr_strings(node, "strings") == std::vector<std::string>{"a"});
  CHECK(has_attr(node, "i"));
  CHECK_FALSE(has_attr(node, "absent"));
}

TEST_CASE("an attribute of another type is refused by name", "[graph]") {
  Node node;
  node.op_type = "Op";
  node.name = "n";
  node.attributes["axis"] = std::string("text");
  node.attributes["alpha"] = std::int64_t{1};
  CHECK_ERROR(attr_int(node, "axis", 0), input, "attribute 'axis' of node 'n' (Op) must be an integer");
  CHECK_ERROR(attr_float(node, "alpha", 0), input, "must be a float");
  CHECK_ERROR(attr_ints(node, "alpha"), input, "must be a list of integers");
  CHECK_ERROR(attr_tensor(node, "alpha"), input, "must be a tensor");
}

}  // namespace nq
