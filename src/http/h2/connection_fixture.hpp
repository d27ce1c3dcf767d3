#pragma once
// A Connection and what it serves, for tests; a TestClient is its peer.
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "http/h2/connection.hpp"
#include "http/h2/test_client.hpp"
#include "http/test_stage.hpp"

namespace rollcall::http::h2 {
namespace asio = boost::asio;
using std::chrono::seconds;

class MovedClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override { return now_; }
  [[nodiscard]] WallTime wall_now() const noexcept override {
    return WallTime{std::chrono::sys_days{std::chrono::year(2026) / 1 / 15} + std::chrono::hours(10)};
  }
  MonoTime now_ = MonoTime{} + std::chrono::hours(1);
};

class Guest final : public TableEntry {
  void on_wake() noexcept override {}
};

inline FieldList with_json(std::string path) {
  auto fields = TestClient::request("POST", std::move(path));
  fields.emplace_back("content-type", "application/json");
  return fields;
}

inline std::string text_of(const Request& request) {
  return std::string(request.path) + "?" + std::string(request.query) + ":" + std::string(request.body) + "@" +
         std::string(request.peer_address) + " " + std::string(request.host) + " " + std::string(request.content_type);
}

class H2Test : public ::testing::Test {
 protected:
  H2Test() {
    limits_.header_bytes = 2048;
    limits_.body_bytes = 100'000;
    limits_.h2_resets_per_minute = 20;
    add_routes();
    EXPECT_TRUE(table_.join(guest_));
  }
  ~H2Test() override { table_.leave(guest_); }

  void add_routes() {
    router_.add(Method::get, "/hello", SyncHandler([](const Request&) {
                  auto response = json_response(200, "{}");
                  response.etag = "W/\"7\"";
                  response.headers.push_back({"X-Told", "yes"});
                  return response;
                }));
    router_.add(Method::get, "/large", SyncHandler([this](const Request&) {
                  Response response;
                  response.body.before = "[";
                  for (int i = 0; i < 200; ++i) response.body.shared.push_back(piece_);
                  response.body.after = "]";
                  return response;
                }));
    router_.add(Method::post, "/echo", SyncHandler([](const Request& r) { return json_response(201, text_of(r)); }));
    router_.add(Method::get, "/throws",
                SyncHandler([](const Request&) -> Response { throw std::runtime_error("oops"); }));
    router_.add(Method::post, "/later", AsyncHandler([this](const Request& request) -> asio::awaitable<Response> {
                  auto wait = later_.async_wait(asio::as_tuple(asio::use_awaitable));
                  (void)co_await std::move(wait);
                  if (request.query == "throw") throw std::runtime_error("oops");
                  co_return json_response(200, text_of(request));
                }));
    router_.add(Method::get, "/held",
                HybridHandler([this](const Request&) -> Answer { return std::make_unique<StagedAnswer>(stage_); }));
    for (const auto& [path, kind] :
         {std::pair{"/stream", StagedStream::Kind::quiet}, {"/endless", StagedStream::Kind::endless}}) {
      router_.add(Method::get, path, SyncHandler([this, kind](const Request&) { return streamed(stage_, kind); }));
    }
  }

  void connect() {
    connection_ = std::make_unique<Connection>(
        Connection::Parts{context_, "10.0.0.9", io_.get_executor(), [this] { rung_ = true; }});
  }

  /// Until neither has more to say.
  void talk(TestClient& client, std::size_t slice = std::string::npos) {
    if (!connection_) connect();
    for (int turns = 0; turns < 100'000; ++turns) {
      rung_ = false;
      const auto sent = client.output();
      for (std::size_t i = 0; i < sent.size(); i += std::min(slice, sent.size() - i)) {
        connection_->receive(std::string_view(sent).substr(i, slice));
        connection_->advance();
      }
      connection_->advance();
      const std::string answered(connection_->output());
      most_output_ = std::max(most_output_, answered.size());
      connection_->sent(answered.size());
      client.receive(answered);
      io_.restart();
      io_.poll();
      if (sent.empty() && answered.empty() && !rung_) return;
    }
    ADD_FAILURE() << "they never stop talking";
  }

  MovedClock clock_;
  HttpLimits limits_;
  const GuardRules guard_{{"*"}};
  Router router_;
  ServerStats stats_;
  std::atomic<std::size_t> open_{0};
  asio::io_context io_{1};
  asio::steady_timer later_{io_, asio::steady_timer::time_point::max()};
  ConnectionTable table_{io_, clock_, limits_, open_};
  const ServerContext context_{router_, guard_, limits_, stats_, table_};
  Guest guest_;
  const std::string piece_ = std::string(1000, 'p');
  Stage stage_;
  std::unique_ptr<Connection> connection_;
  bool rung_ = false;
  std::size_t most_output_ = 0;
};

}  // namespace rollcall::http::h2
