#include "discovery/probe/pairing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

namespace rollcall::probe {
namespace {

using testing::IsEmpty;

PairingServer server(std::uint16_t web, std::optional<std::uint16_t> claimed) { return {web, claimed, true, {}}; }
PairingServer offline(std::uint16_t web, std::uint16_t held) { return {web, held, false, held}; }

TEST(Pairing, AClaimThatAnswersIsBelieved) {
  const std::vector servers{server(8042, 4250), server(8043, 4242)};
  EXPECT_EQ(pair_ports(servers, {4242, 4250}, {}), (Pairing{{8042, 4250}, {8043, 4242}}));
}

TEST(Pairing, ThreeContainersThatAllSay4242AreToldApartByDistance) {
  const std::vector servers{server(8042, 4242), server(8043, 4242), server(8044, 4242)};
  EXPECT_EQ(pair_ports(servers, {4242, 4243, 4244}, {}), (Pairing{{8042, 4242}, {8043, 4243}, {8044, 4244}}));
}

TEST(Pairing, AClaimWhereNothingAnswersDoesNotCount) {
  EXPECT_EQ(pair_ports(std::vector{server(8050, 4242)}, {4250}, {}), (Pairing{{8050, 4250}}));
}

TEST(Pairing, WithoutAnyAnswerThereIsNoPort) {
  EXPECT_THAT(pair_ports(std::vector{server(8042, 4242)}, {}, {}), IsEmpty());
}

TEST(Pairing, ASoleClaimGoesBeforeAnothersDistance) {
  const std::vector servers{server(8042, std::nullopt), server(8050, 4242)};
  EXPECT_EQ(pair_ports(servers, {4242}, {}), (Pairing{{8050, 4242}}));
}

TEST(Pairing, ALockedServerThatClaimsNothingIsFoundByDistance) {
  EXPECT_EQ(pair_ports(std::vector{server(8043, std::nullopt)}, {4243}, {}), (Pairing{{8043, 4243}}));
}

TEST(Pairing, AnOfflineServerKeepsItsPortUntilALiveOneGetsIt) {
  EXPECT_EQ(pair_ports(std::vector{offline(8042, 4242)}, {}, {}), (Pairing{{8042, 4242}}));
  const std::vector servers{offline(8042, 4242), server(8050, 4242)};
  EXPECT_EQ(pair_ports(servers, {4242}, {}), (Pairing{{8050, 4242}}));
}

TEST(Pairing, TheCounterpartStaysInsideTheConfiguredPorts) {
  EXPECT_EQ(counterpart(8042, {}), 4242);
  EXPECT_EQ(counterpart(8100, {}), 4300);
  ProbeRange range;
  range.dicom_ports = {104};
  EXPECT_EQ(counterpart(8043, range), std::nullopt);
  range.web_ports = {};
  EXPECT_EQ(counterpart(8042, range), std::nullopt);
}

rc::Gen<std::uint16_t> dicom_port() { return rc::gen::inRange<std::uint16_t>(4242, 4250); }

std::optional<std::uint16_t> maybe_dicom_port() {
  const auto port = *rc::gen::maybe(dicom_port());
  return port ? std::optional(*port) : std::nullopt;
}

std::vector<PairingServer> any_servers() {
  std::vector<PairingServer> servers;
  for (std::uint16_t web = 8042; web < 8050; ++web)
    if (*rc::gen::arbitrary<bool>())
      servers.push_back({web, maybe_dicom_port(), *rc::gen::arbitrary<bool>(), maybe_dicom_port()});
  return servers;
}

PortList any_answering() {
  PortList ports;
  for (std::uint16_t port = 4242; port < 4250; ++port)
    if (*rc::gen::arbitrary<bool>()) ports.push_back(port);
  return ports;
}

RC_GTEST_PROP(PairingProperty, EachDicomPortBelongsToOneServerAndLiveServersOnlyGetWhatAnswers, ()) {
  const auto servers = any_servers();
  const auto answering = any_answering();
  const auto pairing = pair_ports(servers, answering, {});
  std::set<std::uint16_t> seen;
  for (const auto& [web, dicom] : pairing) {
    RC_ASSERT(seen.insert(dicom).second);
    const auto of = std::ranges::find(servers, web, &PairingServer::web_port);
    RC_ASSERT(of != servers.end());
    RC_ASSERT(!of->online || std::ranges::binary_search(answering, dicom));
  }
}

RC_GTEST_PROP(PairingProperty, TheOrderInWhichServersWereFoundDoesNotMatter, ()) {
  auto servers = any_servers();
  const auto answering = any_answering();
  const auto pairing = pair_ports(servers, answering, {});
  std::ranges::reverse(servers);
  RC_ASSERT(pair_ports(servers, answering, {}) == pairing);
}

}  // namespace
}  // namespace rollcall::probe
