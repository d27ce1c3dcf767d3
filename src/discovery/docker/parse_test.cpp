// Answers of Docker Engine 20.10.24, as recorded.
#include "discovery/docker/parse.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace rollcall::docker {
namespace {

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(RECORDED "/") + name);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

template <class T>
T named(const std::vector<T>& list, std::string_view name) {
  const auto found = std::ranges::find(list, name, &T::name);
  return found == list.end() ? T() : *found;
}

TEST(EngineAnswers, TheVersionAndTheSwarmAreRead) {
  const auto version = parse_version(recorded("version.json")).value();
  EXPECT_EQ(version.api, "1.41");
  EXPECT_EQ(version.min_api, "1.12");
  const auto info = parse_info(recorded("info.json")).value();
  EXPECT_EQ(info.swarm_state, "active");
  EXPECT_TRUE(info.manager);
  EXPECT_EQ(info.node_id.size(), 25U);
  EXPECT_EQ(info.node_address, "127.0.0.1");
}

TEST(EngineAnswers, ServicesAreReadWithWhatTheirTasksShouldBe) {
  const auto services = parse_list<Service>(recorded("services.json")).value();
  const auto shop = named(services, "shop");
  EXPECT_EQ(shop.replicas, 3U);
  EXPECT_FALSE(shop.global);
  EXPECT_EQ(*find_label(shop.labels, "autoscaler.metric"), "memory");
  EXPECT_EQ(find_label(shop.labels, "team"), nullptr);
  EXPECT_EQ(shop.desired_tasks, 3U);
  EXPECT_GT(shop.version, 0U);
  EXPECT_GT(epoch_seconds(shop.created_at), 1'700'000'000);
  EXPECT_GE(shop.updated_at, shop.created_at);

  const auto edge = named(services, "edge");
  EXPECT_TRUE(edge.global);
  EXPECT_EQ(edge.replicas, 1U);
  EXPECT_EQ(edge.ports, std::vector{Port({"tcp", 80, 8088, true})});
}

TEST(EngineAnswers, TasksAreReadWithTheirNetworksAndPorts) {
  const auto services = parse_list<Service>(recorded("services.json")).value();
  const auto tasks = parse_list<Task>(recorded("tasks.json")).value();
  const auto task_of = [&](std::string_view service) {
    return *std::ranges::find(tasks, named(services, service).id, &Task::service_id);
  };
  const auto shop = task_of("shop");
  EXPECT_EQ(shop.state, "running");
  EXPECT_EQ(shop.desired_state, "running");
  EXPECT_GT(shop.slot, 0U);
  EXPECT_EQ(shop.container_id.size(), 64U);
  ASSERT_EQ(shop.networks.size(), 1U);
  EXPECT_EQ(shop.networks.front().network, "back");
  EXPECT_EQ(shop.networks.front().driver, "overlay");
  EXPECT_TRUE(shop.networks.front().address.starts_with("10.98.1.")) << shop.networks.front().address;

  EXPECT_EQ(task_of("edge").ports, std::vector{Port({"tcp", 80, 8088, true})}) << "told of twice, of two stacks";
  EXPECT_EQ(task_of("desk").networks, (std::vector{Attachment{.network = "host", .driver = "host"}}));
  const auto stuck = task_of("stuck");
  EXPECT_EQ(stuck.node_id, "");
  EXPECT_EQ(stuck.state, "pending");
  EXPECT_TRUE(stuck.error.starts_with("no suitable node"));
}

TEST(EngineAnswers, NodesAndContainersAreRead) {
  const auto nodes = parse_list<Node>(recorded("nodes.json")).value();
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes.front().state, "ready");
  EXPECT_EQ(nodes.front().address, "127.0.0.1");
  const auto plain = named(parse_list<Container>(recorded("containers.json")).value(), "plain");
  EXPECT_EQ(plain.image, "bb");
  EXPECT_EQ(plain.health, ContainerHealth::healthy);
  EXPECT_EQ(*find_label(plain.labels, "SERVICE_9_NAME"), "nine");
  EXPECT_EQ(plain.networks, (std::vector{Attachment{.network = "bridge", .address = "10.99.0.3"}}));
  EXPECT_EQ(plain.ports, (std::vector<Port>{{"tcp", 7000, 7001, true, "127.0.0.1"}, {"tcp", 9, 7002, true, ""}}));
  const auto details = parse_container_details(recorded("container.json")).value();
  EXPECT_EQ(*find_label(details.environment, "SERVICE_TAGS"), "a,b\\,c");
}

TEST(EngineAnswers, EventsNameWhatTheyHappenedTo) {
  std::istringstream lines(recorded("events.jsonl"));
  bool started = false;
  for (std::string line; std::getline(lines, line);) {
    const auto event = parse_event(line).value();
    EXPECT_FALSE(event.id.empty());
    EXPECT_GT(event.time_ns, 1'700'000'000'000'000'000);
    if (event.type != "container" || event.action != "start") continue;
    started = true;
    EXPECT_NE(find_label(event.attributes, "com.docker.swarm.service.id"), nullptr);
  }
  EXPECT_TRUE(started);
}

TEST(EngineAnswers, AListIsReadInPortions) {
  const auto body = recorded("tasks.json");
  ListReader<Task> reader(body);
  std::vector<Task> tasks;
  EXPECT_TRUE(reader.read(tasks, 2).value());
  EXPECT_EQ(tasks.size(), 2U);
  EXPECT_FALSE(reader.read(tasks, 1000).value());
  EXPECT_EQ(tasks.size(), parse_list<Task>(body).value().size());
}

TEST(EngineAnswers, WhatIsCutOrForeignIsRefusedAndNeverTakenForLess) {
  const auto body = recorded("services.json");
  for (std::size_t size = 0; size + 1 < body.size(); ++size) {
    ASSERT_FALSE(parse_list<Service>(std::string_view(body).substr(0, size))) << size;
  }
  for (const auto* wrong : {"", "{}", "null", "[1]", "[{}]", "[{\"ID\":\"a\"}]", "[,]", "[[]]"}) {
    EXPECT_FALSE(parse_list<Service>(wrong)) << wrong;
  }
  EXPECT_TRUE(parse_list<Service>("[]").value().empty());
  EXPECT_TRUE(parse_list<Service>(" [ ] \n").value().empty());
  EXPECT_FALSE(parse_version("{}"));
  EXPECT_FALSE(parse_info("<html>"));
}

TEST(EngineAnswers, OddTimesAreTheEpochAndShortFractionsAreRead) {
  const auto created = [](const std::string& text) {
    const auto list = parse_list<Service>(R"([{"ID":"a","Spec":{"Name":"b"},"CreatedAt":")" + text + "\"}]");
    return list.value().front().created_at.time_since_epoch().count();
  };
  EXPECT_EQ(created("1970-01-02T00:00:01.5Z"), 86'401'500);
  EXPECT_EQ(created("1970-01-01T00:00:00.123456789Z"), 123);
  EXPECT_EQ(created("1970-01-01T00:00:02Z"), 2'000);
  EXPECT_EQ(created("1970-02-31T00:00:02Z"), 0);
  EXPECT_EQ(created("yesterday"), 0);
}

}  // namespace
}  // namespace rollcall::docker
