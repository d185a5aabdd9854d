#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/check.hpp"

namespace nq {

/// Reads the members of one JSON object; every failure names the path of the key.
class JsonReader {
 public:
  JsonReader(const nlohmann::ordered_json& json, std::string path) : json_(json), path_(std::move(path)) {
    NQ_CHECK(json.is_object(), input, "'{}' must be an object", path_);
  }

  bool has(const char* key) const { return json_.contains(key); }

  const nlohmann::ordered_json& at(const char* key) const {
    NQ_CHECK(json_.contains(key), input, "'{}.{}' is missing", path_, key);
    return json_.at(key);
  }

  template <typename T>
  T get(const char* key) const {
    try {
      return at(key).get<T>();
    } catch (const nlohmann::json::exception&) {
      fail(ErrorKind::input, "'{}.{}' has the wrong type", path_, key);
    }
  }

  JsonReader object(const char* key) const { return {at(key), path_ + "." + key}; }

  auto items() const { return json_.items(); }

  const nlohmann::ordered_json& list(const char* key) const {
    NQ_CHECK(at(key).is_array(), input, "'{}.{}' must be a list", path_, key);
    return at(key);
  }

  /// A list of integers; other numbers are not rounded to one.
  std::vector<std::int64_t> integers(const char* key) const {
    std::vector<std::int64_t> values;
    for (const auto& item : list(key)) {
      NQ_CHECK(item.is_number_integer(), input, "'{}.{}' must hold integers", path_, key);
      values.push_back(item.get<std::int64_t>());
    }
    return values;
  }

  float finite(const char* key) const {
    const auto value = get<float>(key);
    NQ_CHECK(std::isfinite(value), input, "'{}.{}' must be finite", path_, key);
    return value;
  }

  std::vector<float> floats(const char* key, std::int64_t count) const {
    auto values = get<std::vector<float>>(key);
    NQ_CHECK(static_cast<std::int64_t>(values.size()) == count, input, "'{}.{}' must have {} values, not {}", path_,
             key, count, values.size());
    for (const float value : values) NQ_CHECK(std::isfinite(value), input, "'{}.{}' must be finite", path_, key);
    return values;
  }

  std::int64_t bounded(const char* key, std::int64_t low, std::int64_t high) const {
    NQ_CHECK(at(key).is_number_integer(), input, "'{}.{}' must be an integer", path_, key);
    const auto value = get<std::int64_t>(key);
    NQ_CHECK(value >= low && value <= high, input, "'{}.{}' is {}, outside {}..{}", path_, key, value, low, high);
    return value;
  }

  const std::string& path() const { return path_; }

 private:
  const nlohmann::ordered_json& json_;
  std::string path_;
};

/// Parses text of unknown origin. Throws Error(input) when it is no JSON or nested too deeply.
inline nlohmann::ordered_json parse_untrusted(const std::string& text) {
  static constexpr int kMaxDepth = 64;
  const auto bounded = [](int depth, nlohmann::ordered_json::parse_event_t, const nlohmann::ordered_json&) {
    NQ_CHECK(depth <= kMaxDepth, input, "is nested more than {} deep", kMaxDepth);
    return true;
  };
  auto json = nlohmann::ordered_json::parse(text, bounded, false);
  NQ_CHECK(!json.is_discarded(), input, "is not valid JSON");
  return json;
}

}  // namespace nq
