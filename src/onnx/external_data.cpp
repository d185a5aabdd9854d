#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>

#include "core/check.hpp"
#include "core/file_mapping.hpp"
#include "core/hash.hpp"
#include "onnx/tensor_proto.hpp"

namespace nq {
namespace {

namespace fs = std::filesystem;

struct Location {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t length = UINT64_MAX;  ///< to the end of the file
};

std::uint64_t parse_count(const std::string& key, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  NQ_CHECK(error == std::errc{} && end == text.data() + text.size(), input,
           "external data entry '{}' is not a number: '{}'", key, text);
  return value;
}

Location parse_location(const onnx::TensorProto& tensor) {
  Location location;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location.file = entry.value();
    if (entry.key() == "offset") location.offset = parse_count(entry.key(), entry.value());
    if (entry.key() == "length") location.length = parse_count(entry.key(), entry.value());
  }
  NQ_CHECK(!location.file.empty(), input, "external data has no location");
  return location;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto [end, unused] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

}  // namespace

/// Mappings by location, shared by copies; a file is mapped once while any tensor reads it, and is the same file whenever it
/// is mapped.
struct ExternalData::Files {
  struct Known {
    std::weak_ptr<const FileMapping> mapping;
    std::optional<FileStamp> first;  ///< when it was mapped for the first time
  };
  std::mutex mutex;
  std::map<std::string, Known> known;
};

fs::path ExternalData::resolve(const std::string& location) const {
  NQ_CHECK(location.find('\0') == std::string::npos, input, "external data location holds a zero byte");
  std::error_code error;
  const fs::path folder = fs::canonical(folder_.empty() ? fs::path(".") : folder_, error);
  NQ_CHECK(!error, input, "model folder '{}' cannot be read", folder_.string());
  const fs::path path = fs::weakly_canonical(folder / location, error);
  NQ_CHECK(!error && is_inside(path, folder) && fs::path(location).is_relative(), input,
           "external data file '{}' lies outside the model's folder", location);
  NQ_CHECK(fs::exists(path, error), input, "external data file '{}' is missing beside the model", location);
  NQ_CHECK(fs::is_regular_file(path, error), input, "external data '{}' is not a regular file", location);
  return path;
}

ExternalData::ExternalData(fs::path folder) : folder_(std::move(folder)), files_(std::make_shared<Files>()) {}

std::shared_ptr<const FileMapping> ExternalData::map(const std::string& location) const {
  const std::lock_guard lock(files_->mutex);
  Files::Known& known = files_->known[location];
  if (auto mapping = known.mapping.lock()) return mapping;
  auto mapping = std::make_shared<const FileMapping>(resolve(location));
  NQ_CHECK(known.first.value_or(mapping->stamp()) == mapping->stamp(), input,
           "external data file '{}' changed while the model was in use", location);
  known = {mapping, mapping->stamp()};
  return mapping;
}

std::string ExternalData::sha256(const std::string& location) const {
  const auto mapping = map(location);
  std::string hex = sha256_hex(mapping->text());
  forget_file_pages(mapping->bytes());
  // Another file of this name does not matter: the one that was mapped is used on.
  const auto now = stamp_of(resolve(location));
  NQ_CHECK(!now || !now->same_file(mapping->stamp()) || *now == mapping->stamp(), input,
           "external data file '{}' changed while the model was in use", location);
  return hex;
}

ExternalData::Bytes ExternalData::read(const onnx::TensorProto& tensor, std::size_t expected_bytes) const {
  const Location location = parse_location(tensor);
  const auto mapping = map(location.file);
  const std::uint64_t file_size = mapping->bytes().size();
  const std::uint64_t length = location.length == UINT64_MAX ? expected_bytes : location.length;
  NQ_CHECK(length == expected_bytes, input, "external data length {} does not fit the tensor's {} bytes", length,
           expected_bytes);
  NQ_CHECK(location.offset <= file_size && length <= file_size - location.offset, input,
           "external data '{}' ends at {} bytes, the tensor needs {} at offset {}", location.file, file_size, length,
           location.offset);
  if (length == 0) return {std::make_shared<int>(0), reinterpret_cast<const std::byte*>(""), 0};
  return {mapping, mapping->bytes().data() + location.offset, expected_bytes};
}

}  // namespace nq
