#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace rollcall {

/// `sha256=` and the hexadecimal HMAC-SHA-256 over "TIMESTAMP.BODY": a receiver can tell who sent it, and when.
[[nodiscard]] std::string signature_of(std::string_view secret, std::int64_t timestamp, std::string_view body);

}  // namespace rollcall
