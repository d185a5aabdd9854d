#include "core/check.hpp"
#include "nq/graph.hpp"

namespace nq {
namespace {

/// The attribute as T, or null when absent. Throws Error(input) on another type.
template <typename T>
const T* find_attribute(const Node& node, std::string_view name, std::string_view expected) {
  const auto it = node.attributes.find(name);
  if (it == node.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&it->second);
  NQ_CHECK(value != nullptr, input, "attribute '{}' of node '{}' ({}) must be {}", name, node.display_name(),
           node.op_type, expected);
  return value;
}

template <typename T>
T attribute_or(const Node& node, std::string_view name, std::string_view expected, T fallback) {
  const T* value = find_attribute<T>(node, name, expected);
  return value != nullptr ? *value : std::move(fallback);
}

}  // namespace

std::int64_t attr_int(const Node& node, std::string_view name, std::int64_t fallback) {
  return attribute_or<std::int64_t>(node, name, "an integer", fallback);
}

float attr_float(const Node& node, std::string_view name, float fallback) {
  return attribute_or<float>(node, name, "a float", fallback);
}

std::string attr_string(const Node& node, std::string_view name, std::string_view fallback) {
  return attribute_or<std::string>(node, name, "a string", std::string(fallback));
}

std::vector<std::int64_t> attr_ints(const Node& node, std::string_view name) {
  return attribute_or<std::vector<std::int64_t>>(node, name, "a list of integers", {});
}

std::vector<float> attr_floats(const Node& node, std::string_view name) {
  return attribute_or<std::vector<float>>(node, name, "a list of floats", {});
}

std::vector<std::string> attr_strings(const Node& node, std::string_view name) {
  return attribute_or<std::vector<std::string>>(node, name, "a list of strings", {});
}

const Tensor* attr_tensor(const Node& node, std::string_view name) {
  return find_attribute<Tensor>(node, name, "a tensor");
}

bool has_attr(const Node& node, std::string_view name) { return node.attributes.contains(name); }

}  // namespace nq
