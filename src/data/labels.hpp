#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nq/image_folder.hpp"

namespace nq {

/// Largest class index that is accepted.
inline constexpr std::int64_t kMaxLabel = 10'000'000;

/// Class index per WordNet id or folder name.
using SynsetTable = std::map<std::string, std::int64_t, std::less<>>;

/// Reads lines that begin with an id; line i is class i. Throws Error(input) naming file and line on an
/// empty line before the last, or a repeated id.
SynsetTable read_synset(const std::filesystem::path& path);

/// Sets the labels that a file of lines "name index" gives; returns the number of lines that match no
/// sample. Throws Error(input) naming file and line when a line is malformed, contradicts another or
/// matches several samples, and when no line matches.
std::int64_t apply_labels_file(const std::filesystem::path& path, std::span<Sample> samples);

/// The WordNet id that a file name begins with: "n01440764" of "a/n01440764_tench.JPEG".
std::optional<std::string_view> leading_wordnet_id(std::string_view name);

/// True for 'n' and eight digits.
bool is_wordnet_id(std::string_view text);

}  // namespace nq
