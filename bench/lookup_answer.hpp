#pragma once
// The bytes that each server of the HTTP comparison sends.
#include <string>

namespace rollcall::bench {

/// 1 KB of JSON.
inline std::string lookup_body() { return R"({"name":")" + std::string(1012, 'x') + "\"}\n"; }

inline std::string lookup_head() {
  return "HTTP/1.1 200 OK\r\n"
         "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
         "Content-Type: application/json\r\n"
         "Content-Length: 1024\r\n"
         "ETag: W/\"1-1\"\r\n"
         "Cache-Control: no-cache\r\n"
         "Vary: Accept-Encoding\r\n"
         "\r\n";
}

}  // namespace rollcall::bench
