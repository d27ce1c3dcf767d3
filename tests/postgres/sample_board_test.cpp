// What one node tells of its samples, through a real server.
#include "postgres/postgres_fixture.hpp"
#include "store/postgres/postgres_sample_board.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const WallTime kNow{std::chrono::hours{400'000}};

class PostgresSampleBoard : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    store_ = open(options());
    a_ = board(NodeId{1});
    b_ = board(NodeId{2});
  }

  struct FixedClock final : Clock {
    explicit FixedClock(WallTime stands_at) : at(stands_at) {}
    [[nodiscard]] MonoTime now() const noexcept override { return {}; }
    [[nodiscard]] WallTime wall_now() const noexcept override { return at; }
    WallTime at;
  };

  std::unique_ptr<SampleBoard> board(NodeId self, std::chrono::milliseconds kept = 1h) const {
    return open_postgres_sample_board(options(), self, kept, clock_).value();
  }

  static SampleNews news_of(std::string_view id) {
    SampleNews news;
    news.samples.resize(1);
    news.samples[0].id = InstanceId(id);
    news.samples[0].sample.first_seen = kNow - 60s;
    news.samples[0].sample.last_seen = kNow - 2s;
    return news;
  }

  /// The ids, each followed by its services that are wanted.
  static std::vector<std::string> exchange(SampleBoard& board, const SampleNews& told = {}) {
    auto heard = board.exchange(told);
    EXPECT_TRUE(heard) << heard.error().message;
    std::vector<std::string> words;
    for (const auto& news : heard.value_or(std::vector<SampleNews>{})) {
      for (const auto& one : news.samples) words.push_back(one.id.str());
      for (const auto& service : news.wanted) words.push_back("wanted " + service.str());
    }
    return words;
  }

  const FixedClock clock_{kNow};
  std::unique_ptr<Store> store_;
  std::unique_ptr<SampleBoard> a_, b_;
};

TEST_F(PostgresSampleBoard, EachIsHeardOnceByEveryOtherInOrder) {
  EXPECT_THAT(exchange(*a_, news_of("one")), IsEmpty()) << "not by who told it";
  auto second = news_of("two");
  second.wanted = {ServiceName("web")};
  exchange(*a_, second);
  EXPECT_THAT(exchange(*b_, news_of("three")), ElementsAre("one", "two", "wanted web"));
  EXPECT_THAT(exchange(*b_), IsEmpty());
  EXPECT_THAT(exchange(*a_), ElementsAre("three"));
  const auto late = board(NodeId{3});
  EXPECT_THAT(exchange(*late), ElementsAre("one", "two", "wanted web", "three")) << "what is still there";
}

TEST_F(PostgresSampleBoard, TimesAreByTheReadersClock) {
  exchange(*a_, news_of("one"));
  const FixedClock far_behind(kNow - 48h);
  const auto late = open_postgres_sample_board(options(), NodeId{3}, 1h, far_behind).value();
  const auto heard = late->exchange({});
  ASSERT_TRUE(heard);
  const auto& sample = heard->at(0).samples.at(0).sample;
  EXPECT_LE(sample.last_seen, far_behind.at - 2s);
  EXPECT_GE(sample.last_seen, far_behind.at - 2s - 20s) << "and as old as it is since it was told";
  EXPECT_EQ(sample.last_seen - sample.first_seen, 58s);
}

TEST_F(PostgresSampleBoard, WhatIsOldGoes) {
  const auto brief = board(NodeId{4}, 1ms);
  exchange(*a_, news_of("old"));
  EXPECT_TRUE(eventually([&] {
    exchange(*brief, news_of("newer"));
    return cluster_->ask("SELECT count(*) FROM " + schema_->name() + ".samples WHERE node = 1") == "0";
  }));
}

TEST_F(PostgresSampleBoard, GoesOnAfterALostConnection) {
  exchange(*a_, news_of("one"));
  (void)cluster_->ask("SELECT pg_terminate_backend(pid) " + sessions());
  EXPECT_FALSE(a_->exchange(news_of("two")));
  EXPECT_EQ(b_->exchange({}).has_value(), true) << "its first call connects";
  EXPECT_THAT(exchange(*a_, news_of("three")), IsEmpty());
  EXPECT_THAT(exchange(*b_), ElementsAre("three"));
}

TEST_F(PostgresSampleBoard, WhatANodeOfAnotherVersionTellsIsLeftOut) {
  exchange(*a_, news_of("one"));
  (void)cluster_->ask("UPDATE " + schema_->name() + R"(.samples SET body = '\x63')");
  exchange(*a_, news_of("two"));
  EXPECT_THAT(exchange(*b_), ElementsAre("two"));
}

}  // namespace
}  // namespace rollcall::testing
