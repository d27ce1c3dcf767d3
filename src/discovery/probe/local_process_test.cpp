#include "discovery/probe/local_process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace rollcall::probe {
namespace {

using boost::asio::ip::make_address;
using boost::asio::ip::tcp;

TEST(LocalProcess, TheProcessThatListensIsFoundByItsPortAndProgram) {
  boost::asio::io_context io;
  const tcp::acceptor listening(io, {boost::asio::ip::address_v4::loopback(), 0});
  const auto port = listening.local_endpoint().port();
  const auto found = find_listener(port, "PROBE_test");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->pid, ::getpid());
  EXPECT_GT(found->start_ticks, 0U);
  EXPECT_EQ(find_listener(port, "docker-proxy"), std::nullopt);
}

TEST(LocalProcess, NobodyListensOnAClosedPort) {
  boost::asio::io_context io;
  tcp::acceptor closed(io, {boost::asio::ip::address_v4::loopback(), 0});
  const auto port = closed.local_endpoint().port();
  closed.close();
  EXPECT_EQ(find_listener(port, "probe_test"), std::nullopt);
}

TEST(LocalProcess, ItsUseIsReadWhileThatLifeLasts) {
  boost::asio::io_context io;
  const tcp::acceptor listening(io, {boost::asio::ip::address_v4::loopback(), 0});
  const auto self = find_listener(listening.local_endpoint().port(), "probe_test");
  ASSERT_TRUE(self.has_value());
  const auto use = read_use(*self);
  ASSERT_TRUE(use.has_value());
  EXPECT_GT(use->memory_bytes, 1'000'000U);
  EXPECT_FALSE(read_use({self->pid, self->start_ticks + 1}).has_value());
}

TEST(LocalProcess, LoopbackAndOwnAddressesAreLocal) {
  EXPECT_TRUE(is_local(make_address("127.0.0.1")));
  EXPECT_TRUE(is_local(make_address("127.9.9.9")));
  EXPECT_TRUE(is_local(make_address("::1")));
  EXPECT_FALSE(is_local(make_address("192.0.2.1")));
  EXPECT_FALSE(is_local(make_address("2001:db8::1")));
}

}  // namespace
}  // namespace rollcall::probe
