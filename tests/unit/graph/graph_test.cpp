#include "nq/graph.hpp"

#include <catch2/catch.hpp>

#include "graph_builder.hpp"
#include "support/errors.hpp"

namespace nq {

using test::add;
using test::add_input;
using test::add_output;
using test::text_of;

TEST_CASE("a value has one name and one producer", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  add(graph, "Relu", {"x"}, {"y"});
  CHECK_ERROR(graph.add_value("x"), input, "value name 'x' is defined twice");
  CHECK_ERROR(add(graph, "Relu", {"x"}, {"y"}), input, "value 'y' has two producers");
  graph.add_constant("w", Tensor::scalar(1.0F));
  CHECK_ERROR(add(graph, "Relu", {"x"}, {"w"}), input, "value 'w' has two producers");
  CHECK_ERROR(add(graph, "Split", {"x"}, {"z", "z"}), input, "value 'z' has two producers");
  // Anonymous values never collide.
  CHECK(graph.add_value("") != graph.add_value(""));
}

TEST_CASE("nodes run in the order of insertion", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  add(graph, "A", {"x"}, {"a"});
  const NodeId last = add(graph, "C", {"a"}, {"c"});
  Node middle;
  middle.op_type = "B";
  middle.inputs = {*graph.find_value("a")};
  middle.outputs = {graph.add_value("b")};
  graph.insert_node_before(last, middle);
  add_output(graph, "c");
  CHECK(text_of(graph) == "A(x)->a; B(a)->b; C(a)->c; => c");
  graph.remove_node(last);
  CHECK(text_of(graph) == "A(x)->a; B(a)->b; => c");
  CHECK_FALSE(graph.value(*graph.find_value("c")).producer.valid());
  CHECK_ERROR(graph.insert_node_before(NodeId{99}, Node{}), internal, "position");
}

TEST_CASE("uses list every reading slot of live nodes", "[graph]") {
  Graph graph;
  const ValueId x = add_input(graph, "x");
  const NodeId mul = add(graph, "Mul", {"x", "x"}, {"y"});
  const NodeId relu = add(graph, "Relu", {"x"}, {"z"});
  CHECK(graph.uses()[static_cast<std::size_t>(x.index)] == std::vector<NodeId>{mul, mul, relu});
  graph.remove_node(mul);
  CHECK(graph.uses()[static_cast<std::size_t>(x.index)] == std::vector<NodeId>{relu});
}

TEST_CASE("replace_uses rewires readers and graph outputs", "[graph]") {
  Graph graph;
  const ValueId x = add_input(graph, "x");
  add(graph, "Relu", {"x"}, {"y"});
  add(graph, "Mul", {"y", "y"}, {"z"});
  add_output(graph, "y");
  add_output(graph, "z");
  graph.replace_uses(*graph.find_value("y"), x);
  CHECK(text_of(graph) == "Relu(x)->y; Mul(x,x)->z; => x,z");
}

TEST_CASE("validate names what is wrong", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  add(graph, "Relu", {"later"}, {"y"});
  add(graph, "Relu", {"x"}, {"later"});
  CHECK_ERROR(graph.validate(), input, "node 'y' (Relu) reads 'later', which nothing before it defines");

  Graph dangling;
  dangling.outputs.push_back(dangling.add_value("y"));
  CHECK_ERROR(dangling.validate(), input, "graph output 'y' is never computed");

  Graph redefined;
  add_input(redefined, "x");
  add(redefined, "Relu", {"x"}, {"x"});
  CHECK_ERROR(redefined.validate(), input, "node 'x' (Relu) defines 'x' once more");

  Graph foreign;
  add_input(foreign, "x");
  Node node;
  node.op_type = "Relu";
  node.inputs = {ValueId{7}};
  foreign.add_node(node);
  CHECK_ERROR(foreign.validate(), internal, "in_range");

  Graph fine;
  add_input(fine, "x");
  fine.add_constant("w", Tensor::scalar(1.0F));
  add(fine, "Clip", {"x", "", "w"}, {"y"});
  add_output(fine, "y");
  CHECK_NOTHROW(fine.validate());
}

TEST_CASE("display names fall back to the origin", "[graph]") {
  Node node;
  node.origin = "out";
  CHECK(node.display_name() == "out");
  node.name = "named";
  CHECK(node.display_name() == "named");
}

TEST_CASE("graphs copy by value", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  const NodeId relu = add(graph, "Relu", {"x"}, {"y"});
  add_output(graph, "y");
  Graph copy = graph;
  copy.remove_node(relu);
  CHECK(text_of(graph) == "Relu(x)->y; => y");
}

}  // namespace nq
