#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "nq/types.hpp"

namespace nq {

/// JSON whose keys keep the order in which they were set.
using Json = nlohmann::ordered_json;

/// Version of the documents that --json prints: a key keeps its name and meaning within a version;
/// new keys may be added.
inline constexpr int kJsonSchema = 1;

/// A document that begins with "schema" and "command".
Json new_document(std::string_view command);

/// Dimensions as a JSON list.
Json json_shape(const Shape& shape);

/// Writes one document and a newline to stdout. Throws Error(input) when stdout does not take it.
void print_document(const Json& document);

/// Writes text to stdout. Throws Error(input) when stdout does not take it.
void print_text(std::string_view text);

}  // namespace nq
