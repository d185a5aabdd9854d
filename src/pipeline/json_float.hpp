#pragma once

#include <charconv>
#include <nlohmann/json.hpp>

namespace nq {

/// The double whose shortest text is the float's shortest text: files stay readable, and reading
/// back gives the same float.
inline double json_float(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  double result = 0;
  std::from_chars(text, end.ptr, result);
  return result;
}

inline nlohmann::ordered_json json_floats(const std::vector<float>& values) {
  auto list = nlohmann::ordered_json::array();
  for (const float value : values) list.push_back(json_float(value));
  return list;
}

}  // namespace nq
