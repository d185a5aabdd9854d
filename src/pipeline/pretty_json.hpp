#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace nq {

/// JSON text with objects and lists of objects indented, and lists of scalars on one line:
/// a recipe with a thousand scales stays readable and its differences stay small.
std::string pretty_json(const nlohmann::ordered_json& json);

}  // namespace nq
