// What is reported of recorded answers, and of what is made up.
#include "discovery/docker/swarm_book.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "discovery/docker/parse.hpp"

namespace rollcall::docker {
namespace {

using Ids = std::vector<std::string>;

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(RECORDED "/") + name);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

std::string fact(const Sighting& sighting, std::string_view key) {
  const auto found = std::ranges::find(sighting.spec.metadata, key, &Metadata::value_type::first);
  return found == sighting.spec.metadata.end() ? "" : found->second;
}

class RecordedSwarm : public ::testing::Test {
 protected:
  void load() {
    EXPECT_TRUE(book.put_nodes(parse_list<Node>(recorded("nodes.json")).value()).empty());
    const auto tasks = parse_list<Task>(recorded("tasks.json")).value();
    for (auto& service : parse_list<Service>(recorded("services.json")).value()) {
      std::vector<Task> own;
      for (const auto& task : tasks) {
        if (task.service_id == service.id && task.desired_state == "running") own.push_back(task);
      }
      ids[service.name] = service.id;
      book.put(std::move(service), std::move(own));
    }
  }
  std::vector<Sighting> of(const std::string& name) { return book.sightings_of(ids[name]); }

  DockerConfig config;
  SwarmBook book{config};
  std::map<std::string, std::string> ids;
};

TEST_F(RecordedSwarm, AServiceIsDeclaredAndItsTasksAreInstances) {
  load();
  const auto shop = of("shop");
  ASSERT_EQ(shop.size(), 4U);
  EXPECT_EQ(shop[0].id.str(), "swarm:service:" + ids["shop"]);
  ASSERT_TRUE(shop[0].spec.declares);
  EXPECT_EQ(shop[0].spec.declares->replicas, 3U);
  EXPECT_EQ(shop[0].spec.declares->scaling.cpu_threshold, 62.5);
  EXPECT_EQ(shop[0].spec.address, "");
  EXPECT_EQ(shop[1].spec.service, ServiceName("shop"));
  EXPECT_TRUE(shop[1].spec.address.starts_with("10.98.1.")) << shop[1].spec.address;
  EXPECT_EQ(shop[1].spec.port, 8080) << "by its label";
  EXPECT_EQ(shop[1].health, Status::passing);
  EXPECT_EQ(fact(shop[1], "node"), "vm");
  EXPECT_EQ(fact(shop[1], "state"), "running");
  EXPECT_EQ("swarm:" + fact(shop[1], "task"), shop[1].id.str());
  EXPECT_EQ(fact(shop[1], "networks"), "back=" + shop[1].spec.address);
  EXPECT_TRUE(book.is_settled(ids["shop"]));
}

TEST_F(RecordedSwarm, WhatANodePublishesIsReachedThere) {
  load();
  const auto edge = of("edge");
  ASSERT_EQ(edge.size(), 2U);
  EXPECT_TRUE(edge[0].spec.declares->global);
  EXPECT_EQ(edge[1].spec.address, "127.0.0.1");
  EXPECT_EQ(edge[1].spec.port, 8088);
  EXPECT_EQ(fact(edge[1], "ports"), "8088->80/tcp");
}

TEST_F(RecordedSwarm, ABadLabelLeavesTheServiceOutWithAWarning) {
  load();
  EXPECT_TRUE(of("desk").empty());
  EXPECT_EQ(book.warnings(),
            std::vector{LabelWarning({"desk", "autoscaler.min", "is \"two\"; allowed is a whole number"})});
}

TEST_F(RecordedSwarm, ATaskWithoutANodeIsNoInstanceYetAndItsServiceNotSettled) {
  load();
  EXPECT_EQ(of("stuck").size(), 1U);
  EXPECT_FALSE(book.is_settled(ids["stuck"]));
}

TEST_F(RecordedSwarm, WhoIsNotEnabledIsLeftOutUnlessTheFilterIsEmpty) {
  book.put({.id = "w", .name = "quiet", .replicas = 2}, {});
  EXPECT_TRUE(book.sightings_of("w").empty());
  config.filter.emplace();
  SwarmBook all(config);
  all.put({.id = "w", .name = "quiet", .replicas = 2}, {});
  EXPECT_EQ(all.sightings_of("w").front().spec.declares->scaling.max_replicas, 2U);
}

TEST_F(RecordedSwarm, ListsShowWhatHasChanged) {
  load();
  auto services = parse_list<Service>(recorded("services.json")).value();
  auto tasks = parse_list<Task>(recorded("tasks.json")).value();
  std::erase_if(tasks, [](const Task& task) { return task.desired_state != "running"; });
  EXPECT_EQ(book.differing(services), Ids{});
  EXPECT_EQ(book.differing(tasks), Ids{});
  std::erase_if(services, [&](const Service& service) { return service.id == ids["edge"]; });
  std::ranges::find(services, ids["shop"], &Service::id)->running_tasks = 2;
  EXPECT_EQ(book.differing(services), (Ids{ids["shop"], ids["edge"]}));
  std::erase_if(tasks, [&](const Task& task) { return task.service_id == ids["edge"]; });
  EXPECT_EQ(book.differing(tasks), Ids{ids["edge"]});
}

class MadeUpTask : public ::testing::Test {
 protected:
  MadeUpTask() {
    service = {.id = "s", .name = "shop", .labels = {{"autoscaler.enabled", "true"}}, .replicas = 1};
    task = {.id = "t", .service_id = "s", .node_id = "n", .slot = 1, .state = "running", .desired_state = "running"};
    task.container_id = "c";
    static_cast<void>(book.put_nodes({{.id = "n", .hostname = "north", .address = "192.0.2.7", .state = "ready"}}));
  }
  Sighting seen() {
    book.put(service, {task});
    return book.sightings_of("s").at(1);
  }

  DockerConfig config;
  SwarmBook book{config};
  Service service;
  Task task;
};

TEST_F(MadeUpTask, EarlierStatesAreCriticalWithTheStateAsReason) {
  for (const auto* state : {"new", "pending", "assigned", "accepted", "preparing", "ready", "starting"}) {
    task.state = task.message = state;
    EXPECT_EQ(seen().health, Status::critical);
    EXPECT_EQ(seen().cause.evidence, std::string("task is ") + state);
  }
  task.state = "failed";
  task.error = "task: non-zero exit (137)";
  EXPECT_EQ(seen().cause.evidence, "task is failed: task: non-zero exit (137)");
}

TEST_F(MadeUpTask, ItsContainersCheckAndItsNodeCount) {
  EXPECT_EQ(seen().health, Status::passing);
  book.put_health("c", ContainerHealth::starting);
  EXPECT_EQ(seen().health, Status::warning);
  book.put_health("c", ContainerHealth::unhealthy);
  EXPECT_EQ(seen().health, Status::critical);
  book.put_health("c", ContainerHealth::healthy);
  EXPECT_EQ(seen().health, Status::passing);
  EXPECT_EQ(book.put_nodes({{.id = "n", .hostname = "north", .address = "192.0.2.7", .state = "down"}}), Ids{"s"});
  EXPECT_EQ(seen().cause.evidence, "its node north is down");
}

TEST_F(MadeUpTask, TheAddressIsInTheFirstNetworkThatIsShared) {
  task.networks = {{.network = "ingress", .driver = "overlay", .address = "10.0.0.3", .ingress = true},
                   {.network = "back", .driver = "overlay", .address = "10.0.1.3"},
                   {.network = "front", .driver = "overlay", .address = "10.0.2.3"}};
  service.ports = {{.protocol = "tcp", .target = 80, .published = 8080}};
  EXPECT_EQ(seen().spec.address, "10.0.1.3");
  EXPECT_EQ(seen().spec.port, 80);
  config.networks = {"elsewhere", "front"};
  EXPECT_EQ(seen().spec.address, "10.0.2.3");
  task.ports = {{.protocol = "tcp", .target = 80, .published = 32768, .host_mode = true}};
  EXPECT_EQ(seen().spec.address, "10.0.2.3");
  config.networks = {};
  EXPECT_EQ(seen().spec.address, "192.0.2.7");
  EXPECT_EQ(seen().spec.port, 32768);
}

TEST_F(MadeUpTask, OnItsHostsNetworkItHasTheNodesAddress) {
  task.networks = {{.network = "host", .driver = "host"}};
  service.labels.emplace_back("rollcall.port", "9000");
  EXPECT_EQ(seen().spec.address, "192.0.2.7");
  EXPECT_EQ(seen().spec.port, 9000);
}

TEST_F(MadeUpTask, WhereNoNetworkIsSharedItHasNoAddress) {
  task.networks = {{.network = "back", .driver = "overlay", .address = "10.0.1.3"}};
  config.networks = {"front"};
  EXPECT_EQ(seen().spec.address, "");
  EXPECT_EQ(seen().spec.port, 0);
}

TEST_F(MadeUpTask, SettledIsWhoHasWhatItWants) {
  const auto settled = [this] { return book.put(service, {task}), book.is_settled("s"); };
  EXPECT_TRUE(settled());
  service.running_tasks = service.desired_tasks = 1;
  EXPECT_TRUE(settled());
  service.running_tasks = 0;
  EXPECT_FALSE(settled());
  service.running_tasks = 1;
  service.updating = true;
  EXPECT_FALSE(settled());
  service.updating = false;
  task.state = "starting";
  EXPECT_FALSE(settled());
  task.state = "running";
  service.desired_tasks = 2;
  EXPECT_FALSE(settled());
}

}  // namespace
}  // namespace rollcall::docker
