#pragma once
// What a client makes of a compressed body, for tests.
#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>

namespace rollcall::http {

/// Nothing unless it is one gzip member, whole, with the right sum, and nothing behind it.
inline std::optional<std::string> gunzip(std::string_view bytes) {
  z_stream zlib{};
  constexpr int kGzipAlone = 16;
  if (inflateInit2(&zlib, MAX_WBITS + kGzipAlone) != Z_OK) return std::nullopt;
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  int result = Z_OK;
  while (result == Z_OK) {
    char room[16 * 1024];
    zlib.next_out = reinterpret_cast<Bytef*>(room);
    zlib.avail_out = sizeof room;
    result = inflate(&zlib, Z_NO_FLUSH);
    text.append(room, sizeof room - zlib.avail_out);
  }
  const bool whole = result == Z_STREAM_END && zlib.avail_in == 0;
  inflateEnd(&zlib);
  if (!whole) return std::nullopt;
  return text;
}

}  // namespace rollcall::http
