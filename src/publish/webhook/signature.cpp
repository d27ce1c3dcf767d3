#include "publish/webhook/signature.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

namespace rollcall {

std::string signature_of(std::string_view secret, std::int64_t timestamp, std::string_view body) {
  const auto text = fmt::format("{}.{}", timestamp, body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &bytes) == nullptr) {
    throw std::runtime_error("OpenSSL has no HMAC");
  }
  std::string signature = "sha256=";
  for (unsigned int i = 0; i < bytes; ++i) fmt::format_to(std::back_inserter(signature), "{:02x}", digest[i]);
  return signature;
}

}  // namespace rollcall
