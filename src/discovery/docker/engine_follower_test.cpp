// The follower on one thread, with an engine that says what a test has it say.
#include "discovery/docker/engine_follower.hpp"

#include <gtest/gtest.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <map>

#include "discovery/docker/recording_sink.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Said = std::vector<std::string>;

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(RECORDED "/") + name);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

std::string task(std::string_view id) {
  return fmt::format(
      R"([{{"ID":"{}","ServiceID":"s1","NodeID":"n1","DesiredState":"running","Status":{{"State":"running"}}}}])", id);
}

std::string service(int version) {
  return fmt::format(
      R"([{{"ID":"s1","Version":{{"Index":{}}},"Spec":{{"Name":"shop","Labels":{{"autoscaler.enabled":"true"}},)"
      R"("Mode":{{"Replicated":{{"Replicas":1}}}}}},"ServiceStatus":{{"RunningTasks":1,"DesiredTasks":1}}}}])",
      version);
}

class ScriptedEngine final : public EngineClient {
 public:
  explicit ScriptedEngine(asio::io_context& io) : io_(io) {}

  asio::awaitable<Result<VersionInfo>> negotiate() override {
    asked.emplace_back("/version");
    co_return VersionInfo{.api = "1.41"};
  }
  bool speaks(unsigned minor) const noexcept override { return minor <= 41; }
  std::string version() const override { return "1.41"; }

  asio::awaitable<Result<std::string>> get(std::string path) override {
    path = path.substr(0, path.find('?'));
    asked.push_back(path);
    const auto found = answers.find(path);
    if (found == answers.end()) co_return fail(ErrorCode::unavailable, "the engine answered 500: not now");
    co_return found->second;
  }

  asio::awaitable<Error> follow(std::string, TakeLine take, std::function<void()> begun) override {
    asked.emplace_back("/events");
    tell = std::move(take);
    begun();
    ends_.emplace(io_, asio::steady_timer::time_point::max());
    boost::system::error_code cancelled;
    co_await ends_->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    co_return Error{ErrorCode::unavailable, "the engine ended its events", {}};
  }
  void end_events() { ends_->cancel(); }

  std::map<std::string, std::string> answers;
  std::vector<std::string> asked;
  TakeLine tell;

 private:
  asio::io_context& io_;
  std::optional<asio::steady_timer> ends_;
};

class Following : public ::testing::Test {
 protected:
  Following() {
    engine.answers = {{"/info", recorded("info.json")},
                      {"/nodes", "[]"},
                      {"/containers/json", "[]"},
                      {"/services", service(1)},
                      {"/tasks", task("t1")}};
    config.limits.retry_shortest = 1ms;
  }
  ~Following() override { follower.drop_timer(); }

  void run_until(const std::function<bool()>& done) {
    const auto deadline = clock.now() + 10s;
    while (!done() && clock.now() < deadline) io.run_one_for(100ms);
    ASSERT_TRUE(done());
  }
  void run_until_said(const Said& expected) {
    run_until([&] { return sink.said.size() >= expected.size(); });
    EXPECT_EQ(sink.take(), expected);
  }
  void start() {
    follower.start([this] { return sink.listed(); });
  }
  static InstancePtr known(std::string_view id) {
    auto instance = std::make_shared<Instance>();
    instance->id = InstanceId(id);
    instance->spec.service = ServiceName("shop");
    return instance;
  }

  SystemClock clock;
  DockerConfig config;
  RecordingSink sink;
  Report report{clock};
  asio::io_context io;
  ScriptedEngine engine{io};
  EngineFollower follower{{io, engine, config, clock, sink, report}};
};

const Said kBoth{"swarm:service:s1 passing", "swarm:t1 passing"};

TEST_F(Following, TheStreamOfEventsIsOpenBeforeAnythingIsListed) {
  start();
  run_until_said(kBoth);
  EXPECT_EQ((Said{engine.asked.begin(), engine.asked.begin() + 3}), (Said{"/version", "/events", "/info"}));
  EXPECT_EQ(report.trouble(), "");
  EXPECT_FALSE(report.state().stale_since);
}

TEST_F(Following, NobodyIsGoneBeforeTheFirstCompleteList) {
  engine.answers.erase("/tasks");
  follower.start([] { return std::vector{known("swarm:old"), known("docker:old:80")}; });
  run_until([&] { return report.state().failures >= 3; });
  EXPECT_EQ(sink.take(), Said{});
  EXPECT_EQ(report.trouble(), "the engine answered 500: not now");
  EXPECT_TRUE(report.state().stale_since);
  engine.answers["/tasks"] = task("t1");
  run_until([&] { return sink.said.size() == 4; });
  EXPECT_EQ(sink.take(), (Said{kBoth[0], kBoth[1], "swarm:old gone: it is no longer in the Swarm",
                               "docker:old:80 gone: its container doesn't run any more"}));
}

TEST_F(Following, AnEventIsLookedInto) {
  start();
  run_until_said(kBoth);
  engine.answers["/services"] = service(2);
  engine.answers["/tasks"] = task("t2");
  engine.tell(R"({"Type":"service","Action":"update","Actor":{"ID":"s1"},"timeNano":1})");
  run_until_said({"swarm:t1 gone: Swarm no longer wants it to run", "swarm:t2 passing"});
  engine.answers["/services"] = "[]";
  engine.tell(R"({"Type":"service","Action":"remove","Actor":{"ID":"s1"},"timeNano":2})");
  run_until_said(
      {"swarm:service:s1 gone: Swarm no longer wants it to run", "swarm:t2 gone: Swarm no longer wants it to run"});
}

TEST_F(Following, AfterALostStreamEverythingIsComparedAndOnlyThen) {
  start();
  run_until_said(kBoth);
  engine.answers["/tasks"] = task("t3");
  engine.end_events();
  run_until_said({"swarm:t1 gone: Swarm no longer wants it to run", "swarm:t3 passing"});
  EXPECT_EQ(std::ranges::count(engine.asked, "/events"), 2);
}

TEST_F(Following, ARefreshIsAnsweredOnceTheDifferenceIsReported) {
  start();
  run_until_said(kBoth);
  engine.answers["/tasks"] = task("t4");
  std::optional<Result<void>> answer;
  follower.refresh([&](Result<void> outcome) {
    EXPECT_EQ(sink.take(), (Said{"swarm:t1 gone: Swarm no longer wants it to run", "swarm:t4 passing"}));
    answer = outcome;
  });
  run_until([&] { return answer.has_value(); });
  EXPECT_TRUE(answer->has_value());
}

TEST_F(Following, WhatTheCatalogHasOtherwiseIsSaidAgainWithTheNextRefresh) {
  config.refresh_interval = 1s;
  std::vector<InstancePtr> listed;
  follower.start([&] { return listed; });
  run_until_said(kBoth);
  listed = {known("swarm:service:s1"), known("swarm:late")};
  run_until([&] { return std::ranges::count(sink.said, "swarm:late gone: it is no longer in the Swarm") > 0; });
  run_until([&] { return std::ranges::count(sink.said, "swarm:t1 passing") > 0; });
}

TEST_F(Following, AnEngineThatLeftItsSwarmHasSaidSoItself) {
  start();
  run_until_said(kBoth);
  engine.answers["/info"] = R"({"Swarm":{"LocalNodeState":"inactive"}})";
  engine.end_events();
  run_until_said({"swarm:service:s1 gone: the engine is in no Swarm any more",
                  "swarm:t1 gone: the engine is in no Swarm any more"});
}

TEST_F(Following, AWorkersSilenceIsNone) {
  start();
  run_until_said(kBoth);
  engine.answers["/info"] = R"({"Swarm":{"LocalNodeState":"active","ControlAvailable":false}})";
  engine.end_events();
  run_until([&] { return report.trouble().contains("worker"); });
  EXPECT_EQ(sink.take(), Said{});
  EXPECT_TRUE(report.state().stale_since);
}

AgentReport sample_of(const std::string& task) {
  AgentReport report;
  report.samples.push_back({task, {}});
  return report;
}

TEST_F(Following, AnAgentIsAskedForFiguresThatSomebodyWaitsFor) {
  engine.answers["/nodes"] = R"([{"ID":"n1","Status":{"State":"ready"}}])";
  start();
  run_until_said(kBoth);
  std::optional<bool> came;
  const auto order = [&] { follower.order_samples(ServiceName("shop"), [&](bool any) { came = any; }); };
  order();
  EXPECT_EQ(std::exchange(came, {}), false) << "its node has no agent";
  EXPECT_TRUE(follower.node_reports("n1", {}).value().sample.empty());
  order();
  EXPECT_EQ(follower.node_reports("n1", sample_of("t1")).value().sample, Said{"t1"});
  EXPECT_EQ(came, std::nullopt) << "these were older than the question";
  EXPECT_TRUE(follower.node_reports("n1", sample_of("t1")).value().sample.empty());
  EXPECT_EQ(came, true);
}

TEST_F(Following, AnAgentOfAnotherSwarmIsTurnedAway) {
  EXPECT_EQ(follower.node_reports("n1", {}).error().code, ErrorCode::unavailable) << "nothing is known yet";
  engine.answers["/nodes"] = R"([{"ID":"n1","Status":{"State":"ready"}}])";
  start();
  run_until_said(kBoth);
  const auto refused = follower.node_reports("n2", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);
  EXPECT_EQ(refused.error().field, "node");
}

std::string container(std::string_view id, int port) {
  return fmt::format(R"({{"Id":"{}","Names":["/{}"],"Image":"web","State":"running","Labels":{{"SERVICE_ID":"one"}},)"
                     R"("Ports":[{{"PrivatePort":80,"PublicPort":{},"Type":"tcp"}}]}})",
                     id, id, port);
}

TEST_F(Following, OfTwoContainersWithOneIdTheFirstKeepsIt) {
  config.host_address = "192.0.2.7";
  engine.answers["/containers/json"] = fmt::format("[{},{}]", container("c1", 8001), container("c2", 8002));
  engine.answers["/containers/c1/json"] = engine.answers["/containers/c2/json"] = "{}";
  start();
  run_until_said({kBoth[0], kBoth[1], "one passing"});
  EXPECT_EQ(sink.sightings.back().spec.port, 8001);
  EXPECT_EQ(sink.sightings.back().spec.address, "192.0.2.7");
  ASSERT_EQ(report.state().warnings.size(), 1U);
  EXPECT_EQ(report.state().warnings.front().service, "web of container c2");
  engine.answers["/containers/json"] = fmt::format("[{}]", container("c2", 8002));
  engine.tell(R"({"Type":"container","Action":"die","Actor":{"ID":"c1"},"timeNano":1})");
  run_until_said({"one gone: its container doesn't run any more", "one passing"});
  EXPECT_EQ(sink.sightings.back().spec.port, 8002);
  run_until([&] { return report.state().warnings.empty(); });
}

}  // namespace
}  // namespace rollcall::docker
