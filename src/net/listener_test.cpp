#include "net/listener.hpp"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "base/log.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

const tcp::endpoint kAnyPort{asio::ip::address_v4::loopback(), 0};

/// Greets each connection with the number of its thread and closes it.
Listener::OnConnection greet() {
  return [](tcp::socket socket, std::size_t thread) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(std::to_string(thread)), ignored);
  };
}

std::string greeting_of(const tcp::endpoint& endpoint) {
  asio::io_context io(1);
  tcp::socket socket(io);
  socket.connect(endpoint);
  std::array<char, 1> text{};
  boost::system::error_code ignored;
  return {text.data(), socket.read_some(asio::buffer(text), ignored)};
}

TEST(Listener, EveryThreadAcceptsOnTheOnePort) {
  IoThreads threads(2, 100);
  const auto listener = Listener::open(threads, kAnyPort, greet()).value();
  listener->start();
  threads.start();
  std::set<std::string> greeted_by;
  // The kernel deals by a hash of the addresses: that none of so many falls to one thread doesn't happen.
  for (int i = 0; i < 200 && greeted_by.size() < 2; ++i) greeted_by.insert(greeting_of(listener->endpoint()));
  EXPECT_EQ(greeted_by, (std::set<std::string>{"0", "1"}));
  listener->close();
  EXPECT_TRUE(threads.shutdown(std::chrono::seconds(20)));
}

TEST(Listener, SpeaksIpv6) {
  IoThreads threads(2, 100);
  auto listener = Listener::open(threads, {asio::ip::address_v6::loopback(), 0}, greet());
  if (!listener) GTEST_SKIP() << listener.error().message;
  (*listener)->start();
  threads.start();
  EXPECT_EQ(greeting_of((*listener)->endpoint()).size(), 1U);
}

TEST(Listener, RefusesAPortThatIsTaken) {
  IoThreads threads(2, 100);
  const auto first = Listener::open(threads, kAnyPort, greet()).value();
  const auto second = Listener::open(threads, first->endpoint(), greet());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(to_text(first->endpoint())), std::string::npos);
}

TEST(Listener, SurvivesWantOfDescriptors) {
  // Given a server that keeps its connections, and clients enough to use up all descriptors.
  IoThreads threads(1, 100);
  std::mutex mutex;
  std::vector<tcp::socket> kept;
  std::atomic<int> accepted{0};
  const auto listener = Listener::open(threads, kAnyPort, [&](tcp::socket socket, std::size_t) {
                          const std::lock_guard lock(mutex);
                          kept.push_back(std::move(socket));
                          ++accepted;
                        }).value();
  constexpr int kClients = 20;
  asio::io_context io(1);
  std::vector<tcp::socket> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back(io, tcp::v4());
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  listener->start();
  threads.start();
  const auto warnings = log::lines_written(log::Level::warning);

  // When there are none left after five more
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(clients.back().native_handle()) + 6;
  ::setrlimit(RLIMIT_NOFILE, &tight);
  for (auto& client : clients) client.connect(listener->endpoint());
  while (log::lines_written(log::Level::warning) == warnings) std::this_thread::yield();

  // Then the rest is served once there are, and it was said once.
  ::setrlimit(RLIMIT_NOFILE, &before);
  while (accepted < kClients) std::this_thread::yield();
  EXPECT_EQ(log::lines_written(log::Level::warning), warnings + 1);
  listener->close();
  threads.shutdown(std::chrono::seconds(20));
}

TEST(Listener, ABarrierReachesWhatLiesInTheAcceptQueueAndTheSockets) {
  // Given connections with a byte each that nobody has accepted,
  IoThreads threads(2, 1000);
  std::atomic<int> bytes_read{0};
  const auto listener =
      Listener::open(threads, kAnyPort, [&](tcp::socket socket, std::size_t) {
        const auto kept = std::make_shared<tcp::socket>(std::move(socket));
        const auto byte = std::make_shared<char>();
        kept->async_read_some(asio::buffer(byte.get(), 1), [&bytes_read, kept, byte](auto error, std::size_t) {
          if (!error) ++bytes_read;
        });
      }).value();
  listener->start();
  constexpr int kClients = 300;
  asio::io_context io(1);
  std::vector<tcp::socket> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back(io).connect(listener->endpoint());
    asio::write(clients.back(), asio::buffer("x", 1));
  }
  // when the threads run and a barrier was asked for,
  std::promise<int> read_before;
  threads.after_all_turned([&] { read_before.set_value(bytes_read.load()); });
  threads.start();
  // then it comes after all of them.
  EXPECT_EQ(read_before.get_future().get(), kClients);
  listener->close();
}

TEST(Endpoint, IsReadAndWritten) {
  for (const std::string_view text : {"127.0.0.1:5001", "[::1]:0", "0.0.0.0:65535"}) {
    EXPECT_EQ(to_text(parse_endpoint(text).value()), text);
  }
  EXPECT_EQ(to_text(parse_endpoint(":80").value()), "0.0.0.0:80");
  EXPECT_EQ(to_text(parse_endpoint("localhost:80").value()), "127.0.0.1:80");
  for (const std::string_view text :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "::1:80", "a:1"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

}  // namespace
}  // namespace rollcall::net
