#include "server/sample_exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog_test_kit.hpp"
#include "registry/virtual_executor.hpp"

namespace rollcall {
namespace {

using namespace std::chrono_literals;
using testing::VirtualExecutor;
using testing::VirtualTime;

/// What all have told, and what each has heard of it.
struct SharedBoard {
  std::vector<std::pair<int, SampleNews>> told;
  bool away = false;
};

class BoardOfOne final : public SampleBoard {
 public:
  BoardOfOne(SharedBoard& shared, int self) : shared_(shared), self_(self) {}
  Result<std::vector<SampleNews>> exchange(const SampleNews& told) override {
    if (shared_.away) return fail(ErrorCode::unavailable, "as told");
    if (!told.empty()) shared_.told.emplace_back(self_, told);
    std::vector<SampleNews> heard;
    for (; heard_ < shared_.told.size(); ++heard_) {
      if (shared_.told[heard_].first != self_) heard.push_back(shared_.told[heard_].second);
    }
    return heard;
  }

 private:
  SharedBoard& shared_;
  const int self_;
  std::size_t heard_ = 0;
};

class SampleExchangeTest : public ::testing::Test {
 protected:
  struct Node {
    Node(SampleExchangeTest& test, int self)
        : board(test.shared, self),
          thread(test.time),
          exchange({.board = board,
                    .samples = samples,
                    .catalog = test.catalog,
                    .clock = test.time,
                    .thread = thread,
                    .limits = {},
                    .take = [this](const ServiceName& service, SampleExchange::Done done) {
                      asked.push_back(service);
                      taken = std::move(done);
                    }}) {
      exchange.start();
    }
    SampleTable samples;
    BoardOfOne board;
    VirtualExecutor thread;
    std::vector<ServiceName> asked;
    SampleExchange::Done taken;
    SampleExchange exchange;
  };

  SampleExchangeTest() {
    test::Facts facts{.source = Source::swarm};
    test::feed(catalog, {test::registered("web", "swarm:a", 1, facts), test::registered("web", "swarm:b", 2, facts),
                         test::registered("db", "db-1", 3)});
    time.advance(0s);
  }

  void sample(Node& node, std::string_view id) {
    Sample sample;
    sample.first_seen = sample.last_seen = time.wall_now();
    node.samples.put(InstanceId(id), sample);
  }
  bool knows(const Node& node, std::string_view id) { return node.samples.find(InstanceId(id)).has_value(); }

  VirtualTime time;
  Catalog catalog{test::plain_encoders(), {}};
  SharedBoard shared;
  Node one{*this, 1}, other{*this, 2};
};

TEST_F(SampleExchangeTest, WhatOneNodeSamplesTheOtherKnowsAndDoesntTellAgain) {
  sample(one, "swarm:a");
  sample(one, "swarm:a");
  time.advance(2s);
  EXPECT_TRUE(knows(other, "swarm:a"));
  time.advance(5s);
  EXPECT_EQ(shared.told.size(), 1U);
}

TEST_F(SampleExchangeTest, WhatTheCatalogDoesntHaveIsntKept) {
  sample(one, "swarm:gone");
  time.advance(2s);
  EXPECT_FALSE(knows(other, "swarm:gone"));
  sample(one, "swarm:b");
  time.advance(2s);
  EXPECT_TRUE(knows(other, "swarm:b"));
  test::feed(catalog, {test::removed("web", "swarm:b", 4)});
  time.advance(2min);
  EXPECT_FALSE(knows(other, "swarm:b"));
}

TEST_F(SampleExchangeTest, WhatCouldntBeToldIsToldLaterAndSaid) {
  shared.away = true;
  sample(one, "swarm:a");
  time.advance(3s);
  EXPECT_EQ(one.exchange.trouble(), "samples aren't exchanged: as told");
  shared.away = false;
  time.advance(2s);
  EXPECT_EQ(one.exchange.trouble(), "");
  EXPECT_TRUE(knows(other, "swarm:a"));
}

TEST_F(SampleExchangeTest, AnOlderSampleDoesntReplaceANewerOne) {
  shared.away = true;
  sample(one, "swarm:a");
  time.advance(2s);
  const auto newer = time.wall_now();
  sample(other, "swarm:a");
  shared.away = false;
  time.advance(2s);
  EXPECT_EQ(other.samples.find(InstanceId("swarm:a"))->last_seen, newer);
  EXPECT_EQ(one.samples.find(InstanceId("swarm:a"))->last_seen, newer);
}

TEST_F(SampleExchangeTest, WhoWaitsIsToldWhenAllTasksHaveNewSamples) {
  sample(other, "swarm:a");  // of before
  std::optional<bool> answer;
  time.advance(10ms);
  one.exchange.order(ServiceName("web"), [&](bool any) { answer = any; });
  one.exchange.order(ServiceName("web"), [](bool) {});
  time.advance(2s);
  EXPECT_THAT(other.asked, ::testing::ElementsAre(ServiceName("web")));
  sample(other, "swarm:a");
  time.advance(2s);
  EXPECT_FALSE(answer) << "one of two";
  sample(other, "swarm:b");
  other.taken(true);
  time.advance(1s);
  EXPECT_EQ(answer, true);
}

TEST_F(SampleExchangeTest, NobodyWaitsForever) {
  std::optional<bool> answer;
  one.exchange.order(ServiceName("web"), [&](bool any) { answer = any; });
  time.advance(9s);
  EXPECT_FALSE(answer);
  time.advance(2s);
  EXPECT_EQ(answer, false);
  one.exchange.order(ServiceName("db"), [&](bool any) { answer = any || !answer; });
  time.advance(0s);
  EXPECT_EQ(answer, false) << "no engine has it: nothing to wait for";
}

}  // namespace
}  // namespace rollcall
