// The outbox over the in-memory store, in virtual time, with a publisher that fails as told.
#include "publish/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "publish/recording_publisher.hpp"
#include "registry/virtual_executor.hpp"
#include "store/memory/memory_store.hpp"
#include "support/forwarding_store.hpp"

namespace rollcall::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FailingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  bool fails = false;
  std::size_t saves = 0, most_read = 0;

  Result<std::vector<EventPtr>> read(Revision after, std::size_t limit) override {
    if (fails) return fail(ErrorCode::unavailable, "as told");
    auto events = ForwardingStore::read(after, limit);
    if (events) most_read = std::max(most_read, events->size());
    return events;
  }
  Result<std::optional<Revision>> outbox_position(std::string_view outbox) override {
    if (fails) return fail(ErrorCode::unavailable, "as told");
    return ForwardingStore::outbox_position(outbox);
  }
  Result<void> save_outbox_position(std::string_view outbox, Revision confirmed) override {
    if (fails) return fail(ErrorCode::unavailable, "as told");
    ++saves;
    return ForwardingStore::save_outbox_position(outbox, confirmed);
  }
};

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() {
    limits_.events_per_batch = 4;
    restart();
  }

  /// As a process that was killed comes back: only the store remembers.
  void restart() {
    outbox_ = std::make_shared<Outbox>(Outbox::Parts{
        .name = "rabbitmq",
        .own = own_,
        .publishing = publishing_,
        .publisher = publisher_,
        .with_store =
            [this](auto work) { store_executor_.post([this, work = std::move(work)]() mutable { work(store_); }); },
        .clock = time_,
        .limits = limits_,
        .latest = {.services = [this] { return "\"services_count\":" + std::to_string(++lists_made_); },
                   .metrics = [this](std::string_view) { return metrics_; },
                   .health = [] { return std::string("{}"); }}});
  }

  void start() {
    outbox_->start();
    time_.advance(0s);
  }

  void commit(EventKind kind, const std::string& id) {
    Change change;
    change.kind = kind;
    change.at = time_.wall_now();
    if (const auto known = known_.find(id); known != known_.end()) {
      change.instance = *known->second;
    } else {
      change.instance.id = InstanceId(id);
      change.instance.spec.service = ServiceName("billing");
    }
    const auto result = store_.commit({seen_, {change}});
    seen_ = result->events.back()->revision;
    known_[id] = result->events.back()->instance;
    outbox_->grown();
  }
  void register_some(int count) {
    for (int i = 0; i < count; ++i) commit(EventKind::registered, "i" + std::to_string(made_++));
  }
  [[nodiscard]] std::vector<std::string> told() const { return publisher_.ids("instance.registered"); }
  [[nodiscard]] Revision saved() { return store_.outbox_position("rabbitmq")->value_or(Revision{999}); }

  VirtualTime time_;
  VirtualExecutor own_{time_}, publishing_{time_}, store_executor_{time_};
  PublishLimits limits_;
  std::shared_ptr<MemoryLog> log_ = make_memory_log();
  StoreLimits store_limits_{.history_age = 1min, .outboxes = {"rabbitmq"}};
  std::unique_ptr<Store> engine_ = make_memory_store(log_, store_limits_, 1h);
  FailingStore store_{*engine_};
  RecordingPublisher publisher_;
  std::optional<std::string> metrics_ = "{\"cpu_pct\":1}";
  int lists_made_ = 0, made_ = 0;
  std::map<std::string, InstancePtr> known_;
  Revision seen_;
  std::shared_ptr<Outbox> outbox_;
};

TEST_F(OutboxTest, TellsWhatHappensInOrderAndRemembersHowFar) {
  start();
  EXPECT_EQ(saved(), Revision{});
  register_some(3);
  time_.advance(0s);
  EXPECT_THAT(told(), ElementsAre("1:instance.registered", "2:instance.registered", "3:instance.registered"));
  EXPECT_EQ(publisher_.count("service.added"), 1U);
  time_.advance(2s);
  EXPECT_EQ(saved(), Revision{3});
  EXPECT_EQ(outbox_->view().confirmed, Revision{3});
  EXPECT_EQ(outbox_->view().oldest, std::nullopt);
}

TEST_F(OutboxTest, NothingIsLostWhileThePublisherIsAway) {
  start();
  publisher_.down = true;
  register_some(50);
  time_.advance(1h);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_TRUE(outbox_->view().oldest.has_value());
  EXPECT_LE(publisher_.calls, 1 + 60 * 60U) << "it backs off";
  EXPECT_LE(store_.most_read, limits_.events_per_batch);
  EXPECT_LE(publisher_.largest_batch, limits_.events_per_batch + 3);
  publisher_.down = false;
  time_.advance(limits_.retry_longest + 1s);
  EXPECT_THAT(told(), SizeIs(50));
  EXPECT_EQ(told().front(), "1:instance.registered");
  EXPECT_EQ(told().back(), "50:instance.registered");
}

TEST_F(OutboxTest, WhatWasntConfirmedIsToldAgain) {
  start();
  publisher_.arrived.clear();
  publisher_.confirms_at_most = 2;  // of the first event there are two messages
  register_some(2);
  time_.advance(0s);
  EXPECT_EQ(outbox_->view().confirmed, Revision{1});
  publisher_.confirms_at_most = 1'000'000;
  time_.advance(limits_.retry_first);
  EXPECT_THAT(told(), ElementsAre("1:instance.registered", "2:instance.registered", "2:instance.registered"));
  EXPECT_EQ(publisher_.count("service.added"), 1U);
}

TEST_F(OutboxTest, AnEventCountsWhenAllOfItIsConfirmed) {
  start();
  publisher_.confirms_at_most = 1;
  register_some(1);
  time_.advance(0s);
  EXPECT_EQ(outbox_->view().confirmed, Revision{});
  restart();
  publisher_.confirms_at_most = 1'000'000;
  start();
  EXPECT_EQ(publisher_.count("service.added"), 2U);
}

TEST_F(OutboxTest, AKilledProcessTellsALittleTwiceAndNothingNever) {
  start();
  register_some(10);
  time_.advance(0s);
  const auto kept = saved();
  restart();
  register_some(1);
  start();
  time_.advance(5s);
  const auto ids = told();
  for (int i = 1; i <= 11; ++i) EXPECT_THAT(ids, Contains(std::to_string(i) + ":instance.registered"));
  EXPECT_EQ(ids.size(), 10U + 11U - kept.value);
  EXPECT_EQ(saved(), Revision{11});
}

TEST_F(OutboxTest, APublisherThatBlocksHoldsNobodyUp) {
  start();
  publishing_.hanging = true;
  register_some(30);
  time_.advance(1h);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_LE(store_.most_read, limits_.events_per_batch);
  publishing_.resume();
  time_.advance(1s);
  EXPECT_THAT(told(), SizeIs(30));
}

TEST_F(OutboxTest, WhereHistoryIsGoneThereIsAGap) {
  start();
  publisher_.down = true;
  register_some(20);
  time_.advance(1h);
  const auto careless = make_memory_store(log_, {.history_age = 1min}, 1h);
  ASSERT_TRUE(careless->prune(time_.wall_now()));
  register_some(1);
  publisher_.down = false;
  time_.advance(1min);
  EXPECT_EQ(publisher_.ids(":gap").size(), 1U);
  EXPECT_EQ(told().back(), "21:instance.registered");
  EXPECT_EQ(outbox_->view().gaps, 1U);
  EXPECT_EQ(saved(), Revision{21});
}

TEST_F(OutboxTest, HistoryWaitsForIt) {
  start();
  publisher_.down = true;
  register_some(20);
  time_.advance(1h);
  ASSERT_TRUE(store_.prune(time_.wall_now()));
  publisher_.down = false;
  time_.advance(1min);
  EXPECT_THAT(told(), SizeIs(20));
  EXPECT_EQ(publisher_.count("gap"), 0U);
  ASSERT_TRUE(store_.prune(time_.wall_now()));
  EXPECT_EQ(store_.health().oldest, Revision{21});
}

TEST_F(OutboxTest, InALogThatItDoesntKnowItBeginsWithWhatIsToCome) {
  register_some(5);
  start();
  EXPECT_THAT(publisher_.ids(":gap"), ElementsAre("5:gap"));
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_EQ(saved(), Revision{5});
  register_some(1);
  time_.advance(0s);
  EXPECT_THAT(told(), ElementsAre("6:instance.registered"));
  EXPECT_EQ(publisher_.count("service.added"), 0U) << "it was there before";
}

TEST_F(OutboxTest, AnEmptyLogIsToldFromItsFirstEventOn) {
  ASSERT_TRUE(begin_empty_log(store_, "rabbitmq"));
  register_some(2);
  start();
  EXPECT_THAT(told(), SizeIs(2));
  ASSERT_TRUE(begin_empty_log(store_, "rabbitmq"));
  time_.advance(2s);
  EXPECT_EQ(saved(), Revision{2}) << "it stays where it is";
}

TEST_F(OutboxTest, AStoreThatFailsIsAskedAgain) {
  store_.fails = true;
  start();
  time_.advance(1min);
  EXPECT_THAT(publisher_.arrived, IsEmpty());
  store_.fails = false;
  time_.advance(limits_.retry_longest);
  EXPECT_EQ(saved(), Revision{});
  store_.fails = true;
  register_some(2);
  time_.advance(1min);
  store_.fails = false;
  time_.advance(10s);
  EXPECT_THAT(told(), SizeIs(2));
  EXPECT_EQ(saved(), Revision{2});
}

TEST_F(OutboxTest, StoppingWritesThePositionDown) {
  start();
  register_some(3);
  time_.advance(0s);
  outbox_->stop();
  time_.advance(0s);
  EXPECT_EQ(saved(), Revision{3});
  EXPECT_TRUE(publisher_.disconnected);
  EXPECT_FALSE(outbox_->view().active);
  register_some(1);
  time_.advance(1min);
  EXPECT_THAT(told(), SizeIs(3));
  outbox_->start();
  time_.advance(0s);
  EXPECT_THAT(told(), SizeIs(4));
}

TEST_F(OutboxTest, StoppedWhilePublishingItComesToRest) {
  start();
  publishing_.hanging = true;
  register_some(3);
  time_.advance(0s);
  outbox_->stop();
  EXPECT_TRUE(publisher_.interrupted);
  publishing_.resume();
  time_.advance(0s);
  EXPECT_TRUE(publisher_.disconnected);
  EXPECT_EQ(saved(), Revision{});
}

TEST_F(OutboxTest, ThePositionIsWrittenAtMostOncePerInterval) {
  start();
  const auto before = store_.saves;
  for (int i = 0; i < 100; ++i) {
    register_some(1);
    time_.advance(10ms);
  }
  EXPECT_LE(store_.saves, before + 2);
}

TEST_F(OutboxTest, TheListOfServicesComesAtMostOnceASecond) {
  start();
  EXPECT_EQ(publisher_.count("services.updated"), 1U);
  for (int i = 0; i < 100; ++i) {
    register_some(1);
    time_.advance(30ms);
  }
  time_.advance(1s);
  EXPECT_LE(publisher_.count("services.updated"), 1 + 4U);
  EXPECT_GE(publisher_.count("services.updated"), 1 + 3U);
  time_.advance(1h);
  EXPECT_LE(publisher_.count("services.updated"), 1 + 4U) << "nothing has changed";
}

TEST_F(OutboxTest, OfTheLatestOnlyTheLastIsSent) {
  start();
  publisher_.down = true;
  for (int i = 0; i < 10; ++i) {
    outbox_->metrics_changed("billing");
    time_.advance(1min);
  }
  metrics_ = "{\"cpu_pct\":2}";
  publisher_.down = false;
  time_.advance(10s);
  EXPECT_EQ(publisher_.count("metrics.billing"), 1U);
  const auto message = std::ranges::find(publisher_.arrived, "metrics.billing", &Message::routing_key);
  EXPECT_THAT(message->body, ::testing::HasSubstr(R"("service_name":"billing","metrics":{"cpu_pct":2}})"));
}

TEST_F(OutboxTest, HealthIsToldInIntervals) {
  start();
  time_.advance(5min + 1s);
  EXPECT_EQ(publisher_.count("health.check"), 1 + 10U);
}

}  // namespace
}  // namespace rollcall::testing
