// Bytes that a client may send, whole and cut into slices: neither may break the server, and both must be answered
// alike. The first byte of the input is the size of the slices.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "http/h1/connection.hpp"
#include "world.hpp"

namespace {

using namespace rollcall;
using http::h1::Connection;

HttpLimits make_limits() {
  HttpLimits limits;
  limits.gzip_min_bytes = 32;
  return limits;
}

void take_output(Connection& connection, std::string& written) {
  auto& output = connection.output();
  while (!output.empty()) {
    iovec part{};
    if (output.gather({&part, 1}) != 1) std::abort();
    written.append(static_cast<const char*>(part.iov_base), part.iov_len);
    output.sent(part.iov_len);
  }
}

std::string exchange(const fuzz::HttpWorld& world, std::string_view bytes, std::size_t slice) {
  Connection connection(world.context, "127.0.0.1");
  std::string written;
  for (;;) {
    const auto next = connection.advance();
    take_output(connection, written);
    if (next == Connection::Next::close) return written;
    if (next == Connection::Next::switch_protocol) return written + "another protocol";
    if (next == Connection::Next::write) continue;
    if (next == Connection::Next::stream) {  // what is compressed never waits
      if (connection.pull(http::Hurry::no) == http::BodyStream::State::dry) std::abort();
      continue;
    }
    if (next != Connection::Next::read) std::abort();  // no route of ours waits
    if (bytes.empty()) return written;
    const auto room = connection.room();
    const auto size = std::min({room.size(), slice, bytes.size()});
    std::memcpy(room.data(), bytes.data(), size);
    if (size != 0) connection.received(size);
    bytes.remove_prefix(size);
  }
}

// Leave to send a body is given only to who hasn't sent it yet.
std::string without_continue(std::string text) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  for (auto at = text.find(kContinue); at != std::string::npos; at = text.find(kContinue))
    text.erase(at, kContinue.size());
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::HttpWorld world(make_limits(), fuzz::echo_router());
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = without_continue(exchange(world, bytes, bytes.size() + 1));
  const auto sliced = without_continue(exchange(world, bytes, std::max<std::size_t>(data[0], 1)));
  // A fault may be told sooner when more bytes are at hand.
  if (!whole.starts_with(sliced) && !sliced.starts_with(whole)) std::abort();
  return 0;
}
