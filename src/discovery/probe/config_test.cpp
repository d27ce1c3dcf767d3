#include "discovery/probe/config.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

Error error_of(const ProbeConfig& config) {
  const auto result = validate(config);
  EXPECT_FALSE(result.has_value());
  return result ? Error{} : result.error();
}

ProbeConfig config_with_hosts(std::vector<std::string> hosts) {
  ProbeConfig config;
  config.ranges[0].hosts = std::move(hosts);
  return config;
}

TEST(ProbeConfig, TheDefaultIsTheRangeOfTheScannerThatItReplaces) {
  const ProbeConfig config;
  ASSERT_TRUE(validate(config).has_value());
  const auto& range = config.ranges.at(0);
  EXPECT_EQ(range.hosts, std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(range.web_ports.front(), 8042);
  EXPECT_EQ(range.web_ports.back(), 8100);
  EXPECT_EQ(range.dicom_ports.front(), 4242);
  EXPECT_EQ(range.dicom_ports.back(), 4300);
}

TEST(ProbeConfig, PortsAreListsAndRanges) {
  EXPECT_EQ(*parse_ports("8042-8044,9000", "web_ports"), (PortList{8042, 8043, 8044, 9000}));
  EXPECT_EQ(*parse_ports(" 9000 , 8042 - 8043, 8043", "web_ports"), (PortList{8042, 8043, 9000}));
  EXPECT_EQ(*parse_ports("65535", "web_ports"), PortList{65535});
}

TEST(ProbeConfig, BadPortsAreNamedWithTheirField) {
  for (const char* text :
       {"", "0", "65536", "80-", "-80", "8100-8042", "80,,81", "80,", "abc", "80-90-100", "99999999999"}) {
    const auto ports = parse_ports(text, "ranges[0].web_ports");
    ASSERT_FALSE(ports.has_value()) << text;
    EXPECT_EQ(ports.error().field, "ranges[0].web_ports");
    EXPECT_FALSE(ports.error().message.empty());
  }
  EXPECT_EQ(parse_ports("8100-8042", "p").error().message, "\"8100-8042\" ends before it begins");
  EXPECT_EQ(parse_ports("70000", "p").error().message, "\"70000\" is not a port (1 to 65535)");
}

TEST(ProbeConfig, HostsAreAddressesBlocksAndNames) {
  const auto targets = targets_of(config_with_hosts({"127.0.0.1", "10.0.0.0/30", "pacs.local", "::1"}));
  ASSERT_TRUE(targets.has_value());
  EXPECT_EQ(*targets, (std::vector<ProbeTarget>{{"127.0.0.1", 0, false},
                                                {"10.0.0.1", 0, false},
                                                {"10.0.0.2", 0, false},
                                                {"pacs.local", 0, true},
                                                {"::1", 0, false}}));
}

TEST(ProbeConfig, BadHostsAreNamedWithTheirPlace) {
  EXPECT_EQ(error_of(config_with_hosts({"127.0.0.1", "10.0.0.256"})).field, "ranges[0].hosts[1]");
  EXPECT_EQ(error_of(config_with_hosts({"10.0.0.0/8"})).code, ErrorCode::too_large);
  EXPECT_EQ(error_of(config_with_hosts({"http://pacs"})).field, "ranges[0].hosts[0]");
  EXPECT_EQ(error_of(config_with_hosts({"pacs local"})).message,
            "\"pacs local\" is not an address, a CIDR block or a host name");
  EXPECT_EQ(error_of(config_with_hosts({""})).field, "ranges[0].hosts[0]");
}

TEST(ProbeConfig, AHostInTwoRangesIsRefusedBecauseItsCredentialsWouldBeUnclear) {
  ProbeConfig config;
  config.ranges.emplace_back().hosts = {"127.0.0.0/29"};
  const Error error = error_of(config);
  EXPECT_EQ(error.field, "ranges[1].hosts");
  EXPECT_EQ(error.message, "127.0.0.1 is there twice");
}

TEST(ProbeConfig, TimesAndBoundsAreMoreThanNothing) {
  ProbeConfig config;
  config.check_interval = std::chrono::milliseconds(0);
  EXPECT_EQ(error_of(config).field, "check_interval");
  config = {};
  config.max_in_flight = 0;
  EXPECT_EQ(error_of(config).field, "max_in_flight");
}

}  // namespace
}  // namespace rollcall
