#pragma once
// SHA-256 (FIPS 180-4), by OpenSSL.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace rollcall {

class Sha256 {
 public:
  static constexpr std::size_t kBytes = 32;

  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view bytes);
  /// Of all that was added; after it, it begins anew. kBytes bytes.
  [[nodiscard]] std::string finish();

 private:
  void begin();
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] std::string hex_of(std::string_view bytes);

}  // namespace rollcall
