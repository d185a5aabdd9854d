#include "graph/passes/passes.hpp"

#include <catch2/catch.hpp>
#include <chrono>

#include "graph/simplify.hpp"
#include "graph_builder.hpp"

namespace nq {

using test::add;
using test::add_input;
using test::add_output;
using test::text_of;

TEST_CASE("chains of Identity vanish", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  graph.add_constant("w", Tensor::scalar(1.0F));
  add(graph, "Identity", {"w"}, {"w1"});
  add(graph, "Identity", {"w1"}, {"w2"});
  add(graph, "Add", {"x", "w2"}, {"y"});
  add(graph, "Mul", {"w1", "y"}, {"z"});
  add_output(graph, "z");
  eliminate_identity(graph);
  CHECK(text_of(graph) == "Add(x,w)->y; Mul(w,y)->z; => z");
  CHECK_NOTHROW(graph.validate());
}

TEST_CASE("an Identity that makes a graph output keeps its name", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  add(graph, "Identity", {"x"}, {"a"});
  add(graph, "Relu", {"a"}, {"b"});
  add_output(graph, "a");
  add_output(graph, "b");
  eliminate_identity(graph);
  CHECK(text_of(graph) == "Identity(x)->a; Relu(a)->b; => a,b");
}

TEST_CASE("malformed and foreign Identity nodes are left alone", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  add(graph, "Identity", {}, {"a"});
  add(graph, "Identity", {"x"}, {"", "b"});
  add(graph, "Identity", {""}, {"c"});
  Node other;
  other.op_type = "Identity";
  other.domain = "custom";
  other.inputs = {*graph.find_value("x")};
  other.outputs = {graph.add_value("d")};
  graph.add_node(other);
  add(graph, "Clip", {"d", "", "a"}, {"y"});
  add_output(graph, "y");
  eliminate_identity(graph);
  CHECK(text_of(graph) ==
        "Identity()->a; Identity(x)->,b; Identity()->c; Identity(x)->d; Clip(d,,a)->y; => y");
}

TEST_CASE("dead nodes go, and what only they needed", "[graph]") {
  Graph graph;
  add_input(graph, "x");
  add(graph, "Relu", {"x"}, {"a"});
  add(graph, "Exp", {"a"}, {"dead"});
  add(graph, "Exp", {"dead"}, {"deader"});
  add(graph, "Split", {"x"}, {"half", "other"});
  add(graph, "Add", {"a", "half"}, {"y"});
  add_output(graph, "y");
  eliminate_dead(graph);
  CHECK(text_of(graph) == "Relu(x)->a; Split(x)->half,other; Add(a,half)->y; => y");
}

TEST_CASE("simplify handles a hundred thousand Identity nodes in linear time", "[graph]") {
  Graph graph;
  add_input(graph, "v0");
  constexpr int kNodes = 100000;
  for (int k = 0; k < kNodes; ++k) {
    add(graph, "Identity", {"v" + std::to_string(k)}, {"v" + std::to_string(k + 1)});
  }
  add(graph, "Relu", {"v" + std::to_string(kNodes)}, {"y"});
  add_output(graph, "y");
  simplify(graph);
  CHECK(text_of(graph) == "Relu(v0)->y; => y");
}

}  // namespace nq
