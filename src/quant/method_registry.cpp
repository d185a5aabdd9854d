#include <algorithm>
#include <string>

#include "core/check.hpp"
#include "nq/method.hpp"

namespace nq {

void register_builtin_methods(MethodRegistry& registry);

void MethodRegistry::add(std::string_view name, std::string_view summary,
                         std::unique_ptr<const Method> method) {
  const bool known =
      std::any_of(infos_.begin(), infos_.end(), [&](const auto& info) { return info.name == name; });
  NQ_ASSERT(!known);
  infos_.push_back({name, summary, std::move(method)});
}

const Method& MethodRegistry::get(std::string_view name) const {
  std::string known;
  for (const MethodInfo& info : infos_) {
    if (info.name == name) return *info.method;
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  fail(ErrorKind::usage, "unknown method '{}'; known: {}", name, known);
}

const MethodRegistry& builtin_methods() {
  static const MethodRegistry registry = [] {
    MethodRegistry built;
    register_builtin_methods(built);
    return built;
  }();
  return registry;
}

}  // namespace nq
