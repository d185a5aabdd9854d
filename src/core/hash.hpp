#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nq {

/// Incremental SHA-256 (FIPS 180-4), by OpenSSL's libcrypto. Throws Error(internal) where the library refuses.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// Lower-case hex digest; the object must not be used afterwards.
  std::string hex();

 private:
  struct Release {
    void operator()(void* context) const noexcept;
  };
  std::unique_ptr<void, Release> context_;  ///< an EVP_MD_CTX
};

std::string sha256_hex(std::string_view bytes);

/// Digest of a file's content. Throws Error(input) naming the file.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace nq
