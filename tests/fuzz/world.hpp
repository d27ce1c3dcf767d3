#pragma once
// What a connection is given that is fuzzed without a socket: time that stands still, a table, and routes that echo.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "http/connection_table.hpp"
#include "http/router.hpp"
#include "http/server_context.hpp"

namespace rollcall::fuzz {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override { return MonoTime{} + std::chrono::hours(1); }
  [[nodiscard]] WallTime wall_now() const noexcept override { return {}; }
};

template <class Limits>
struct World {
  explicit World(const Limits& given) : limits(given) {}
  const FixedClock clock;
  const Limits limits;
  std::atomic<std::size_t> open{0};
  boost::asio::io_context io{1};
  http::ConnectionTable table{io, clock, limits, open};
};

struct HttpWorld : World<HttpLimits> {
  HttpWorld(const HttpLimits& given, http::Router routes) : World(given), router(std::move(routes)) {}
  const http::GuardRules guard{{"*"}};
  const http::Router router;
  http::ServerStats stats;
  const http::ServerContext context{router, guard, limits, stats, table};
};

/// An answer shows what was understood of its request.
inline http::Router echo_router() {
  http::Router router;
  const http::SyncHandler echo = [](const http::Request& request) {
    std::string json = std::string(request.params[0]) + std::string(request.query) + std::string(request.body);
    for (const auto view : {request.host, request.origin, request.content_type, request.accept}) json += view;
    auto response = http::json_response(200, std::move(json));
    response.etag = "W/\"1\"";
    return response;
  };
  router.add(http::Method::get, "/a/{name}", echo);
  router.add(http::Method::post, "/a/{name}", echo);
  return router;
}

}  // namespace rollcall::fuzz
