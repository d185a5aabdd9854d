#pragma once

#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nq {

/// Typed, strict reading of one JSON object. Every failure is an Error(input) that names the key.
/// Borrows the object.
class JsonFields {
 public:
  /// Throws Error(input) unless `object` is an object.
  explicit JsonFields(const nlohmann::json& object);

  /// True when the key is there and not null.
  bool has(std::string_view key) const;

  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  /// A finite number in [low, high].
  std::optional<double> number(std::string_view key, double low, double high) const;
  /// A whole number in [low, high].
  std::optional<int> integer(std::string_view key, int low, int high) const;
  /// An array of `count` whole numbers in [low, high].
  std::optional<std::vector<int>> integers(std::string_view key, std::size_t count, int low, int high) const;
  /// Three finite numbers in [low, high]; where `or_one` is set, one number stands for three.
  std::optional<std::array<double, 3>> triple(std::string_view key, double low, double high,
                                              bool or_one = false) const;
  /// A nested object.
  std::optional<JsonFields> object(std::string_view key) const;
  /// True when the key holds an object, or an array.
  bool is_object(std::string_view key) const;
  bool is_array(std::string_view key) const;

  std::vector<std::string> keys() const;
  /// Throws when a key is not in the list.
  void reject_others(std::initializer_list<std::string_view> known) const;

 private:
  const nlohmann::json* find(std::string_view key) const;

  const nlohmann::json* object_;
};

/// The value, or Error(input) "missing key '...'".
template <typename T>
T require(std::optional<T> value, std::string_view key);

/// Parses text. Throws Error(input) with the position of the first mistake.
nlohmann::json parse_json(std::string_view text);

}  // namespace nq

#include "core/check.hpp"

namespace nq {

template <typename T>
T require(std::optional<T> value, std::string_view key) {
  NQ_CHECK(value.has_value(), input, "missing key '{}'", key);
  return *std::move(value);
}

}  // namespace nq
