// The real HTTP/1.1 server, one I/O thread, with a look-up that answers a shared 1 KB body. h1_server PORT
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/smart_ptr/make_local_shared.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "http/h1/server.hpp"
#include "lookup_answer.hpp"
#include "net/io_threads.hpp"
#include "net/listener.hpp"

namespace {

namespace asio = boost::asio;
namespace http = rollcall::http;

http::Router make_router() {
  http::Router router;
  const auto body = boost::make_local_shared<std::string>(rollcall::bench::lookup_body());
  router.add(http::Method::get, "/services/{name}", http::SyncHandler([body](const http::Request&) {
               http::Response response;
               response.etag = "W/\"1-1\"";
               response.cache_control = "no-cache";
               response.body.shared.push_back(*body);
               response.body.owner = body;
               return response;
             }));
  return router;
}

asio::awaitable<void> serve(asio::ip::tcp::socket socket, http::ServerContext context) {
  http::ClearChannel channel(std::move(socket));
  auto served = http::h1::serve(channel, context);
  (void)co_await std::move(served);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const rollcall::SystemClock clock;
  const rollcall::HttpLimits limits;
  const http::GuardRules guard;
  const auto router = make_router();
  http::ServerStats stats;
  std::atomic<std::size_t> open{0};
  rollcall::net::IoThreads threads(1, limits.connections);
  http::ConnectionTable connections(threads.context(0), clock, limits, open);
  const http::ServerContext context{router, guard, limits, stats, connections};

  const auto endpoint = rollcall::net::parse_endpoint(std::string("127.0.0.1:") + argv[1]);
  auto listener = rollcall::net::Listener::open(threads, endpoint.value(), [&](auto socket, std::size_t thread) {
    asio::co_spawn(threads.context(thread), serve(std::move(socket), context), asio::detached);
  });
  if (!listener) {
    std::fprintf(stderr, "%s\n", listener.error().message.c_str());
    return 1;
  }
  (*listener)->start();
  threads.start();
  asio::io_context waiting;
  asio::signal_set signals(waiting, SIGTERM, SIGINT);
  signals.async_wait([](auto, auto) {});
  waiting.run();
}
