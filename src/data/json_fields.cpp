#include "data/json_fields.hpp"

#include <algorithm>
#include <cmath>

namespace nq {
namespace {

double checked_number(const nlohmann::json& value, std::string_view key, double low, double high) {
  NQ_CHECK(value.is_number(), input, "key '{}' must be a number, not {}", key, value.type_name());
  const double number = value.get<double>();
  NQ_CHECK(std::isfinite(number) && number >= low && number <= high, input, "key '{}' is {}, outside {}..{}",
           key, number, low, high);
  return number;
}

int checked_integer(const nlohmann::json& value, std::string_view key, int low, int high) {
  const double number = checked_number(value, key, low, high);
  NQ_CHECK(number == std::floor(number), input, "key '{}' is {}, not a whole number", key, number);
  return static_cast<int>(number);
}

}  // namespace

JsonFields::JsonFields(const nlohmann::json& object) : object_(&object) {
  NQ_CHECK(object.is_object(), input, "expected a JSON object, not {}", object.type_name());
}

const nlohmann::json* JsonFields::find(std::string_view key) const {
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonFields::has(std::string_view key) const { return find(key) != nullptr; }

bool JsonFields::is_object(std::string_view key) const {
  const auto* value = find(key);
  return value != nullptr && value->is_object();
}

bool JsonFields::is_array(std::string_view key) const {
  const auto* value = find(key);
  return value != nullptr && value->is_array();
}

std::optional<bool> JsonFields::boolean(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  NQ_CHECK(value->is_boolean(), input, "key '{}' must be true or false, not {}", key, value->type_name());
  return value->get<bool>();
}

std::optional<std::string> JsonFields::text(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  NQ_CHECK(value->is_string(), input, "key '{}' must be a string, not {}", key, value->type_name());
  return value->get<std::string>();
}

std::optional<double> JsonFields::number(std::string_view key, double low, double high) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  return checked_number(*value, key, low, high);
}

std::optional<int> JsonFields::integer(std::string_view key, int low, int high) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  return checked_integer(*value, key, low, high);
}

std::optional<std::vector<int>> JsonFields::integers(std::string_view key, std::size_t count, int low,
                                                     int high) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  NQ_CHECK(value->is_array() && value->size() == count, input, "key '{}' must be an array of {} numbers", key,
           count);
  std::vector<int> numbers;
  for (const auto& item : *value) numbers.push_back(checked_integer(item, key, low, high));
  return numbers;
}

std::optional<std::array<double, 3>> JsonFields::triple(std::string_view key, double low, double high,
                                                        bool or_one) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::array<double, 3> numbers{};
  if (or_one && value->is_number()) {
    numbers.fill(checked_number(*value, key, low, high));
    return numbers;
  }
  NQ_CHECK(value->is_array() && value->size() == numbers.size(), input,
           "key '{}' must be an array of {} numbers", key, numbers.size());
  std::transform(value->begin(), value->end(), numbers.begin(),
                 [&](const nlohmann::json& item) { return checked_number(item, key, low, high); });
  return numbers;
}

std::optional<JsonFields> JsonFields::object(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  NQ_CHECK(value->is_object(), input, "key '{}' must be an object, not {}", key, value->type_name());
  return JsonFields(*value);
}

std::vector<std::string> JsonFields::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object_->items()) keys.push_back(key);
  return keys;
}

void JsonFields::reject_others(std::initializer_list<std::string_view> known) const {
  for (const std::string& key : keys()) {
    NQ_CHECK(std::find(known.begin(), known.end(), key) != known.end(), input, "unknown key '{}'", key);
  }
}

nlohmann::json parse_json(std::string_view text) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    fail(ErrorKind::input, "invalid JSON at byte {}", error.byte);
  } catch (const nlohmann::json::out_of_range&) {
    fail(ErrorKind::input, "invalid JSON: a number is too large");
  }
}

}  // namespace nq
