#include <set>

#include "op_runner.hpp"
#include "ops/broadcast.hpp"

using namespace nq;
using namespace nq::test;

TEST_CASE("the registry finds the definition that covers an opset", "[ops]") {
  const OpRegistry& ops = builtin_ops();
  REQUIRE(ops.find("", "Add", 17) != nullptr);
  CHECK(ops.find("", "Add", 17)->type == "Add");
  CHECK(ops.find("", "NoSuchOperator", 17) == nullptr);
  CHECK(ops.find("com.example", "Add", 17) == nullptr);
  CHECK(ops.find("", "QuantizeLinear", 9) == nullptr);
  for (const OpDef& def : ops.all()) CHECK(ops.find(def.domain, def.type, def.since) == &def);
}

TEST_CASE("overlapping definitions are refused", "[ops]") {
  const OpDef* add = builtin_ops().find("", "Add", 17);
  OpRegistry registry;
  registry.add({"X", 1, 6, add->infer, add->bind});
  registry.add({"X", 7, 9, add->infer, add->bind});
  CHECK_THROWS_AS(registry.add({"X", 9, 12, add->infer, add->bind}), Error);
  CHECK(registry.find("", "X", 10) == nullptr);
}

TEST_CASE("no operator survives a node without inputs", "[ops]") {
  for (const OpDef& def : builtin_ops().all()) {
    INFO(def.type);
    const OpCase op{std::string(def.type), def.since, {}, 1, true, std::string(def.domain)};
    try {
      const OpRunner runner(op, {});
      (void)runner.run();
    } catch (const Error& error) {
      CHECK(error.kind() != ErrorKind::internal);
    }
  }
}

TEST_CASE("shapes broadcast from the last axis", "[ops]") {
  CHECK(broadcast_shape({2, 1, 3}, {4, 1}) == Shape{2, 4, 3});
  CHECK(broadcast_shape({}, {2}) == Shape{2});
  CHECK(broadcast_shape({0, 1}, {1, 5}) == Shape{0, 5});
  CHECK_THROWS_AS(broadcast_shape({0}, {2}), Error);
}

TEST_CASE("a broadcast merges axes that all operands walk alike", "[ops]") {
  const Shape out{2, 3, 4, 5};
  const Shape row{5};
  const auto same = make_broadcast<2>(out, {&out, &out});
  CHECK(same.axes.size() == 1);
  const auto with_row = make_broadcast<2>(out, {&out, &row});
  REQUIRE(with_row.axes.size() == 2);
  CHECK(with_row.axes[0].size == 24);
  CHECK(with_row.axes[0].stride == std::array<std::int64_t, 2>{5, 0});
  CHECK(with_row.axes[1].stride == std::array<std::int64_t, 2>{1, 1});
  const Shape huge{0, std::int64_t{1} << 33, std::int64_t{1} << 33};
  CHECK(make_broadcast<1>(huge, {&huge}).elements == 0);
}
