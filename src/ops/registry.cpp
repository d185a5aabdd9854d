#include "core/check.hpp"
#include "nq/op.hpp"

namespace nq {

void register_builtin_ops(OpRegistry& registry);

void OpRegistry::add(OpDef def) {
  NQ_ASSERT(!def.type.empty() && def.infer != nullptr && def.bind != nullptr);
  NQ_ASSERT(def.since >= 1 && def.since <= def.until);
  for (const OpDef& other : defs_) {
    const bool same_name = other.type == def.type && other.domain == def.domain;
    NQ_ASSERT(!same_name || def.since > other.until || def.until < other.since);
  }
  defs_.push_back(def);
}

const OpDef* OpRegistry::find(std::string_view domain, std::string_view type, int opset) const {
  for (const OpDef& def : defs_) {
    const bool same_name = def.type == type && def.domain == domain;
    if (same_name && def.since <= opset && opset <= def.until) return &def;
  }
  return nullptr;
}

const OpRegistry& builtin_ops() {
  static const OpRegistry registry = [] {
    OpRegistry all;
    register_builtin_ops(all);
    return all;
  }();
  return registry;
}

}  // namespace nq
