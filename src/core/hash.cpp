#include "core/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <new>

#include "core/check.hpp"

namespace nq {
namespace {

/// The algorithm, from the library as it is built: no configuration file of the machine has a say.
const EVP_MD* algorithm() {
  static const EVP_MD* const sha256 = [] {
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    return EVP_sha256();
  }();
  return sha256;
}

EVP_MD_CTX* evp(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

void Sha256::Release::operator()(void* context) const noexcept { EVP_MD_CTX_free(evp(context)); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  NQ_CHECK(EVP_DigestInit_ex(evp(context_.get()), algorithm(), nullptr) == 1, internal, "libcrypto has no SHA-256");
}

void Sha256::update(std::span<const std::byte> bytes) {
  NQ_CHECK(EVP_DigestUpdate(evp(context_.get()), bytes.data(), bytes.size()) == 1, internal, "SHA-256 failed");
}

void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  NQ_CHECK(EVP_DigestFinal_ex(evp(context_.get()), digest.data(), &size) == 1, internal, "SHA-256 failed");
  std::string text;
  for (unsigned int k = 0; k < size; ++k) text += fmt::format("{:02x}", digest[k]);
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  NQ_CHECK(file.good(), input, "cannot read '{}'", path.string());
  Sha256 hash;
  std::array<char, 1 << 16> block;
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash.update(std::string_view(block.data(), static_cast<std::size_t>(file.gcount())));
  }
  NQ_CHECK(file.eof(), input, "reading '{}' failed", path.string());
  return hash.hex();
}

}  // namespace nq
