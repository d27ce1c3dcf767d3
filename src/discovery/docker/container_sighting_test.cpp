#include "discovery/docker/container_sighting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace rollcall::docker {
namespace {

class PlainContainer : public ::testing::Test {
 protected:
  PlainContainer() {
    container = {.id = "c1", .name = "calm_mole", .image = "registry:5000/team/cache:1.2", .state = "running"};
    container.networks = {{.network = "bridge", .address = "172.17.0.2"}};
  }
  std::vector<Sighting> seen(const std::string& engine = {}) {
    std::ranges::sort(container.labels);
    std::ranges::sort(details.environment);
    return container_sightings(container, details, engine, config);
  }
  void publish(std::uint16_t target, std::uint16_t published, std::string ip = {}) {
    container.ports.push_back({"tcp", target, published, true, std::move(ip)});
  }

  DockerConfig config;
  Container container;
  ContainerDetails details;
};

TEST_F(PlainContainer, WhoSaysNothingIsNotMeant) {
  publish(80, 8080);
  EXPECT_TRUE(seen().empty());
  container.labels = {{"autoscaler.enabled", "true"}};
  EXPECT_EQ(seen().size(), 1U);
  container.labels.emplace_back(kTaskLabel, "t1");
  EXPECT_TRUE(seen().empty()) << "Swarm's are known as tasks";
}

TEST_F(PlainContainer, NameTagsAndAttributesAreAsRegistratorsUsersSetThem) {
  publish(80, 8080);
  details.environment = {{"SERVICE_NAME", "web"},
                         {"SERVICE_TAGS", "a,b\\,c"},
                         {"SERVICE_REGION", "north"},
                         {"SERVICE_80_ZONE", "z1"},
                         {"PATH", "/bin"}};
  const auto web = seen().at(0);
  EXPECT_EQ(web.id.str(), "docker:c1:80");
  EXPECT_EQ(web.spec.service, ServiceName("web"));
  EXPECT_EQ(web.spec.tags, (std::vector<std::string>{"a", "b,c"}));
  const std::map<std::string, std::string> facts(web.spec.metadata.begin(), web.spec.metadata.end());
  EXPECT_EQ(facts.at("region"), "north");
  EXPECT_EQ(facts.at("zone"), "z1");
  EXPECT_FALSE(facts.contains("tags"));
}

TEST_F(PlainContainer, EachPortIsAnInstanceAndMayHaveItsOwnNameAndId) {
  publish(80, 8080);
  publish(443, 8443);
  container.labels = {{"SERVICE_443_ID", "secure"}, {"SERVICE_443_NAME", "web-tls"}, {"SERVICE_ID", "one"}};
  const auto ports = seen();
  ASSERT_EQ(ports.size(), 2U);
  EXPECT_EQ(ports[0].spec.service, ServiceName("cache-80")) << "its image's name, and which port";
  EXPECT_EQ(ports[0].id.str(), "one:80");
  EXPECT_EQ(ports[1].spec.service, ServiceName("web-tls"));
  EXPECT_EQ(ports[1].id.str(), "secure");
}

TEST_F(PlainContainer, IgnoreLeavesOutAContainerOrAPort) {
  publish(80, 8080);
  publish(443, 8443);
  container.labels = {{"SERVICE_443_IGNORE", "1"}, {"SERVICE_NAME", "web"}};
  ASSERT_EQ(seen().size(), 1U);
  EXPECT_EQ(seen()[0].spec.service, ServiceName("web"));
  container.labels.emplace_back("SERVICE_IGNORE", "1");
  EXPECT_TRUE(seen().empty());
}

TEST_F(PlainContainer, ItIsReachedWhereItsPortIsPublishedOrElseInsideItsNetwork) {
  container.labels = {{"SERVICE_NAME", "web"}};
  publish(80, 8080);
  EXPECT_EQ(seen().at(0).spec.address, "172.17.0.2");
  EXPECT_EQ(seen().at(0).spec.port, 80);
  EXPECT_EQ(seen("192.0.2.1").at(0).spec.address, "192.0.2.1");
  EXPECT_EQ(seen("192.0.2.1").at(0).spec.port, 8080);
  container.ports.front().host_ip = "127.0.0.1";
  EXPECT_EQ(seen("192.0.2.1").at(0).spec.address, "127.0.0.1");
  config.networks = {"bridge"};
  EXPECT_EQ(seen("192.0.2.1").at(0).spec.address, "172.17.0.2");
}

TEST_F(PlainContainer, AnIdOfSwarmsKindIsNotTaken) {
  publish(80, 8080);
  container.labels = {{"SERVICE_ID", "swarm:service:x"}};
  EXPECT_EQ(seen().at(0).id.str(), "docker:c1:80");
}

TEST_F(PlainContainer, ItsOwnCheckIsItsHealth) {
  container.labels = {{"SERVICE_NAME", "web"}};
  EXPECT_EQ(seen().at(0).health, Status::passing);
  container.health = ContainerHealth::unhealthy;
  EXPECT_EQ(seen().at(0).health, Status::critical);
  container.health = ContainerHealth::starting;
  EXPECT_EQ(seen().at(0).health, Status::warning);
  container.state = "paused";
  EXPECT_EQ(seen().at(0).cause.evidence, "container is paused");
}

}  // namespace
}  // namespace rollcall::docker
