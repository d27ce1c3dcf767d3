#include "net/name_resolver.hpp"

#include <gtest/gtest.h>
#include <net/if.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Address = std::optional<asio::ip::address>;

constexpr auto kBound = 10s;  // for what takes a moment

/// Nothing when no answer came; no address when the answer was that there is none.
std::optional<Address> answer_for(std::string name) {
  asio::io_context io;
  std::optional<Address> answer;
  asio::co_spawn(io, resolve(std::move(name)), [&](const std::exception_ptr& escaped, Address found) {
    EXPECT_FALSE(escaped);
    answer = found;
  });
  io.run_for(kBound);
  return answer;
}

TEST(NameResolver, ALoopbackNameHasALoopbackAddressOfIpv4) {
  const auto answer = answer_for("localhost");
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(**answer, asio::ip::make_address("127.0.0.1"));
}

TEST(NameResolver, AnAddressIsItsOwnName) {
  EXPECT_EQ(answer_for("127.9.9.9"), Address(asio::ip::make_address("127.9.9.9")));
  EXPECT_EQ(answer_for("::1"), Address(asio::ip::make_address("::1")));
}

TEST(NameResolver, ALinkLocalAddressKeepsItsInterface) {
  const auto answer = answer_for("fe80::1%lo");
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->to_v6().scope_id(), ::if_nametoindex("lo"));
}

TEST(NameResolver, ANameThatCannotBeOneHasNoAddress) {
  const std::string too_long_a_label(64, 'a');  // refused without asking a server
  EXPECT_EQ(answer_for(too_long_a_label), std::optional<Address>(std::in_place, std::nullopt));
}

TEST(NameResolver, SeveralAreResolvedAtOnce) {
  asio::io_context io;
  int answers = 0;
  for (int i = 0; i < 8; ++i) {
    asio::co_spawn(io, resolve("localhost"), [&](const std::exception_ptr& escaped, const Address& found) {
      EXPECT_FALSE(escaped);
      answers += found ? 1 : 0;
    });
  }
  io.run_for(kBound);
  EXPECT_EQ(answers, 8);
}

// The thread comes back before, while or after its caller goes; a sanitizer build tells what it then touches.
TEST(NameResolver, ACallerMayGoBeforeTheAnswerComes) {
  for (int i = 0; i < 50; ++i) {
    bool answered = false;
    {
      asio::io_context io;
      asio::co_spawn(io, resolve("localhost"), [&](const std::exception_ptr&, const Address&) { answered = true; });
      io.poll_one();  // starts it
    }
    EXPECT_FALSE(answered);
  }
}

}  // namespace
}  // namespace rollcall::net
