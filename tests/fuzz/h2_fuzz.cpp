// Bytes that a client may send after HTTP/2's preface, whole and cut into slices: neither may break the server, nor
// make it hold more than it may. The first byte of the input is the size of the slices.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/h2/connection.hpp"
#include "world.hpp"

namespace {

using namespace rollcall;
using http::h2::Connection;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// What two frames may add to output that is nearly full: RFC 9113's smallest limit of a frame, and its header.
constexpr std::size_t kFramesBytes = 2 * (16'384 + 9);

/// Has something at every other turn.
class Trickle final : public http::BodyStream {
 public:
  void start(http::Wake wake) override { wake_ = std::move(wake); }
  State pull(std::string& out, std::size_t, http::Hurry) override {
    out += "tick";
    wake_();
    return ++turns_ < 5 ? State::dry : State::ended;
  }

 private:
  http::Wake wake_;
  int turns_ = 0;
};

class Late final : public http::HeldAnswer {
 public:
  void start(http::Wake wake) override { wake(); }
  std::optional<http::Response> poll(http::Hurry) override { return http::json_response(200, "\"late\""); }
};

http::Router make_router() {
  auto router = fuzz::echo_router();
  router.add(http::Method::get, "/s", http::SyncHandler([](const http::Request&) {
               http::Response response;
               response.stream = std::make_unique<Trickle>();
               return response;
             }));
  router.add(http::Method::get, "/h",
             http::HybridHandler([](const http::Request&) -> http::Answer { return std::make_unique<Late>(); }));
  router.add(http::Method::get, "/c",
             http::AsyncHandler([](const http::Request&) -> boost::asio::awaitable<http::Response> {
               co_return http::json_response(200, "{}");
             }));
  return router;
}

HttpLimits make_limits() {
  HttpLimits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 4096;
  limits.h2_bodies_bytes = 8192;
  limits.h2_output_bytes = 4096;
  limits.h2_streams = 8;
  return limits;
}

void take_output(fuzz::HttpWorld& world, Connection& connection) {
  for (int turns = 0; turns < 50; ++turns) {
    connection.advance();
    world.io.restart();
    world.io.poll();
    const auto output = connection.output();
    if (output.size() > world.limits.h2_output_bytes + kFramesBytes) std::abort();
    if (output.empty()) return;
    connection.sent(std::min<std::size_t>(output.size(), 1000));
  }
}

void exchange(fuzz::HttpWorld& world, std::string_view bytes, std::size_t slice) {
  Connection connection({world.context, "127.0.0.1", world.io.get_executor(), [] {}});
  connection.receive(kPreface);
  while (!bytes.empty() && !connection.over()) {
    const auto part = bytes.substr(0, slice);
    bytes.remove_prefix(part.size());
    connection.receive(part);
    take_output(world, connection);
  }
  connection.time_out_requests();
  connection.drain();
  take_output(world, connection);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::HttpWorld world(make_limits(), make_router());
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  exchange(world, bytes, bytes.size() + 1);
  exchange(world, bytes, std::max<std::size_t>(data[0], 1));
  if (world.stats.streams != 0) std::abort();
  return 0;
}
