#include "discovery/network.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

using boost::asio::ip::make_address;

std::string message_of(std::string_view text) {
  const auto parsed = parse_network(text, "networks[0]");
  EXPECT_FALSE(parsed.has_value()) << text;
  if (parsed) return "";
  EXPECT_EQ(parsed.error().field, "networks[0]");
  return parsed.error().message;
}

TEST(Network, ABlockContainsItsAddressesAndNoOthers) {
  const auto block = parse_network("10.0.0.4/30", "networks");
  ASSERT_TRUE(block.has_value());
  EXPECT_TRUE(block->contains(make_address("10.0.0.4")));
  EXPECT_TRUE(block->contains(make_address("10.0.0.7")));
  EXPECT_FALSE(block->contains(make_address("10.0.0.8")));
  EXPECT_FALSE(block->contains(make_address("::a00:4")));
  EXPECT_TRUE(block->contains(make_address("::ffff:10.0.0.5")));
}

TEST(Network, IPv6BlocksWorkLikeIPv4Ones) {
  const auto block = parse_network("fd00::/126", "networks");
  ASSERT_TRUE(block.has_value());
  EXPECT_TRUE(block->contains(make_address("fd00::3")));
  EXPECT_FALSE(block->contains(make_address("fd00::4")));
  EXPECT_EQ(block->hosts(4, "f")->size(), 4U);
}

TEST(Network, TheHostsOfABlockLeaveOutNetworkAndBroadcast) {
  const auto hosts = parse_network("10.0.0.0/30", "networks")->hosts(256, "hosts");
  ASSERT_TRUE(hosts.has_value());
  EXPECT_EQ(*hosts, (std::vector{make_address("10.0.0.1"), make_address("10.0.0.2")}));
  EXPECT_EQ(parse_network("10.0.0.2/31", "n")->hosts(256, "hosts")->size(), 2U);
  EXPECT_EQ(parse_network("10.0.0.255", "n")->hosts(256, "hosts")->size(), 1U);
  EXPECT_EQ(parse_network("10.0.0.0/24", "n")->hosts(254, "hosts")->size(), 254U);
}

TEST(Network, ABlockThatIsTooLargeIsRefusedByName) {
  const auto hosts = parse_network("10.0.0.0/8", "networks")->hosts(256, "ranges[0].hosts");
  ASSERT_FALSE(hosts.has_value());
  EXPECT_EQ(hosts.error().code, ErrorCode::too_large);
  EXPECT_EQ(hosts.error().field, "ranges[0].hosts");
  EXPECT_EQ(hosts.error().message, "10.0.0.0/8 holds more than 256 addresses");
  EXPECT_FALSE(parse_network("::/0", "n")->hosts(256, "hosts").has_value());
}

TEST(Network, SlipsAreNamed) {
  EXPECT_EQ(message_of("10.0.0.1/30"), "\"10.0.0.1/30\" is not the start of a block of that size");
  EXPECT_EQ(message_of("10.0.0.0/33"), "\"10.0.0.0/33\": the part after / is a number from 0 to 32");
  EXPECT_EQ(message_of("10.0.0.0/"), "\"10.0.0.0/\": the part after / is a number from 0 to 32");
  EXPECT_EQ(message_of("pacs.local"), "\"pacs.local\" is neither an IP address nor a CIDR block");
  EXPECT_EQ(message_of(""), "\"\" is neither an IP address nor a CIDR block");
}

}  // namespace
}  // namespace rollcall
