// Against sockets on loopback.
#include "discovery/check/checker.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace rollcall {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
const auto kLoopback = asio::ip::address_v4::loopback();

struct Reported {
  std::string id;
  Status status;
  Cause cause;
};

class CheckerTest : public testing::Test {
 protected:
  CheckerTest() {
    checker_ = make_checker({}, clock_, [this](const InstanceId& id, Status status, Cause cause) {
      const std::lock_guard lock(mutex_);
      reported_.push_back({id.str(), status, std::move(cause)});
      changed_.notify_all();
    });
  }
  ~CheckerTest() override { checker_->stop(); }

  static InstancePtr instance(CheckSpec::Kind kind, std::string target, Status health = Status::passing,
                              std::string id = "a") {
    Instance made;
    made.id = InstanceId(std::move(id));
    made.spec.service = ServiceName("web");
    made.spec.check = CheckSpec{kind, std::move(target), 50ms, 300ms};
    made.health = health;
    return std::make_shared<const Instance>(std::move(made));
  }
  /// The `n`th report, or none within five seconds.
  std::optional<Reported> report(std::size_t n) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 5s, [&] { return reported_.size() >= n; })) return std::nullopt;
    return reported_[n - 1];
  }

  bool reports_of(std::string_view id, std::ptrdiff_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return std::ranges::count(reported_, id, &Reported::id) >= n; });
  }
  std::ptrdiff_t count_of(std::string_view id) {
    const std::lock_guard lock(mutex_);
    return std::ranges::count(reported_, id, &Reported::id);
  }

  const SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Reported> reported_;
  std::unique_ptr<Checker> checker_;
};

/// Answers every connection with one HTTP status.
class StatusServer {
 public:
  explicit StatusServer(unsigned status) : acceptor_(io_, {kLoopback, 0}), status_(status) {
    thread_ = std::thread([this] { serve(); });
  }
  ~StatusServer() {
    stopping_ = true;
    tcp::socket wake(io_);
    boost::system::error_code ignored;
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}/health", port()); }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void answer(unsigned status) { status_ = status; }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code error;
      auto socket = acceptor_.accept(error);
      if (error || stopping_) continue;
      std::string request;
      asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", error);
      asio::write(socket, asio::buffer(fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", status_.load())),
                  error);
    }
  }

  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::atomic<unsigned> status_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

TEST_F(CheckerTest, ARefusedConnectionIsCriticalAndAnAcceptedOnePassing) {
  asio::io_context io;
  tcp::acceptor acceptor(io, {kLoopback, 0});
  const auto endpoint = acceptor.local_endpoint();
  const auto target = fmt::format("127.0.0.1:{}", endpoint.port());
  checker_->update(instance(CheckSpec::Kind::tcp, target, Status::critical));
  auto first = report(1);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->status, Status::passing);
  EXPECT_EQ(first->cause, (Cause{"check", target + " accepts connections"}));

  checker_->update(instance(CheckSpec::Kind::tcp, target, Status::passing));
  acceptor.close();
  std::optional<Reported> next;
  for (std::size_t n = 2; (next = report(n)) && next->status == Status::passing; ++n) {
  }
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->status, Status::critical);
  EXPECT_EQ(next->cause.evidence, fmt::format("connect to {} refused", target));
}

TEST_F(CheckerTest, HttpStatusesAreJudged) {
  StatusServer server(429);
  checker_->update(instance(CheckSpec::Kind::http, server.url()));
  const auto warned = report(1);
  ASSERT_TRUE(warned.has_value());
  EXPECT_EQ(warned->status, Status::warning);
  EXPECT_EQ(warned->cause.evidence, "GET " + server.url() + " answered 429");
}

TEST_F(CheckerTest, ARedirectAndAnErrorAreCritical) {
  StatusServer server(302);
  checker_->update(instance(CheckSpec::Kind::http, server.url()));
  const auto redirected = report(1);
  ASSERT_TRUE(redirected.has_value());
  EXPECT_EQ(redirected->status, Status::critical);
}

TEST_F(CheckerTest, SilenceIsCriticalAfterTheTimeOut) {
  asio::io_context io;
  const tcp::acceptor silent(io, {kLoopback, 0});
  const auto port = silent.local_endpoint().port();
  checker_->update(instance(CheckSpec::Kind::http, fmt::format("http://127.0.0.1:{}/", port)));
  const auto late = report(1);
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->status, Status::critical);
  EXPECT_EQ(late->cause.evidence, fmt::format("no answer from 127.0.0.1:{} in time", port));
}

TEST_F(CheckerTest, WhatIsRemovedOrNotAllowedIsNoLongerReported) {
  asio::io_context io;
  const tcp::acceptor acceptor(io, {kLoopback, 0});
  const auto target = fmt::format("127.0.0.1:{}", acceptor.local_endpoint().port());
  checker_->update(instance(CheckSpec::Kind::tcp, target, Status::critical, "removed"));
  checker_->update(instance(CheckSpec::Kind::tcp, target, Status::critical, "moved away"));
  ASSERT_TRUE(reports_of("removed", 1) && reports_of("moved away", 1));

  checker_->remove(InstanceId("removed"));
  checker_->update(instance(CheckSpec::Kind::tcp, "192.0.2.1:80", Status::critical, "moved away"));
  checker_->update(instance(CheckSpec::Kind::tcp, target, Status::critical, "other"));
  ASSERT_TRUE(reports_of("other", 1));  // so what came before it is done
  const auto before = count_of("removed") + count_of("moved away");
  ASSERT_TRUE(reports_of("other", 5));
  EXPECT_EQ(count_of("removed") + count_of("moved away"), before);
}

}  // namespace
}  // namespace rollcall
