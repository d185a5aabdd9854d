#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "core/check.hpp"
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

struct Mapping {
  void* address = MAP_FAILED;
  std::size_t size = 0;
  Mapping(int fd, std::size_t bytes) : address(::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0)), size(bytes) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (address != MAP_FAILED) ::munmap(address, size);
  }
};

}  // namespace

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

ExternalData::Bytes ExternalData::read(const onnx::TensorProto& tensor, std::size_t expected_bytes) const {
  const Location location = parse_location(tensor);
  const fs::path path = resolve(location.file);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  NQ_CHECK(fd >= 0, input, "cannot read external data '{}': {}", path.string(), std::strerror(errno));
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat info {};
  NQ_CHECK(::fstat(fd, &info) == 0, input, "cannot read external data '{}'", path.string());
  const auto file_size = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t length = location.length == UINT64_MAX ? expected_bytes : location.length;
  NQ_CHECK(length == expected_bytes, input, "external data length {} does not fit the tensor's {} bytes", length,
           expected_bytes);
  NQ_CHECK(location.offset <= file_size && length <= file_size - location.offset, input,
           "external data '{}' ends at {} bytes, the tensor needs {} at offset {}", location.file, file_size, length,
           location.offset);
  if (length == 0) return {std::make_shared<int>(0), reinterpret_cast<const std::byte*>(""), 0};
  const auto mapping = std::make_shared<const Mapping>(fd, static_cast<std::size_t>(file_size));
  NQ_CHECK(mapping->address != MAP_FAILED, resource, "cannot map external data '{}'", path.string());
  return {mapping, static_cast<const std::byte*>(mapping->address) + location.offset, expected_bytes};
}

}  // namespace nq
