// Two nodes on one log: another handle changes an id between the judging of a batch and its commit.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;

class ConflictTest : public RegistryTest {
 protected:
  /// The other node gives the instance another weight; each call another. Only an update stands for a heartbeat.
  void other_node_changes(std::string_view id, EventKind kind) {
    const auto snapshot = other_->snapshot();
    for (const auto& instance : snapshot->instances) {
      if (instance->id.view() != id) continue;
      Instance after = *instance;
      ++after.spec.weight;
      const ChangeBatch batch{.seen = snapshot->revision,
                              .changes = {{kind, after, {"api", "another node"}, time_->wall_now()}}};
      ASSERT_TRUE(other_->commit(batch)->outcomes.front());
    }
  }

  /// Before each of the next `times` commits.
  void interfere(std::string id, int times, EventKind kind = EventKind::updated) {
    daemon_->store.before_commit = [this, id = std::move(id), times, kind]() mutable {
      ++commits_;
      if (times-- > 0) other_node_changes(id, kind);
    };
  }

  static Register on_port(std::string id, std::uint16_t port) {
    Register wanted = registration(std::move(id));
    wanted.spec.port = port;
    return wanted;
  }

  std::unique_ptr<Store> other_ = make_memory_store(log_);
  int commits_ = 0;
};

TEST_F(ConflictTest, ARequestIsJudgedAgainAgainstWhatTheOtherNodeMade) {
  ASSERT_TRUE(submit(on_port("a", 80)));
  interfere("a", 1);
  Deregister removal{.id = InstanceId("a"), .session = {}, .cause = {"api", "asked to"}};
  const auto outcome = submit(removal);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->instance->spec.weight, 2U) << "the last state is the other node's";
  EXPECT_FALSE(alive("a"));
  EXPECT_EQ(commits_, 2);
  EXPECT_EQ(daemon_->registry->stats().conflicts, 1U);
}

TEST_F(ConflictTest, AConflictConcernsItsOwnIdAlone) {
  ASSERT_TRUE(submit(on_port("a", 80)));
  interfere("a", 1);
  std::vector<std::string> order;
  const auto note = [&](std::string name) {
    return [&order, name = std::move(name)](const Result<Outcome>& given) {
      EXPECT_TRUE(given);
      order.push_back(name);
    };
  };
  daemon_->registry->submit(on_port("a", 81), note("a"));
  daemon_->registry->submit(on_port("b", 80), note("b"));
  time_->advance(1ms);
  EXPECT_THAT(order, ElementsAre("b", "a"));
  EXPECT_EQ(daemon_->registry->stats().conflicts, 1U);
}

TEST_F(ConflictTest, RequestsForOneIdAreJudgedAgainInTheirOrderAndBeforeLaterOnes) {
  ASSERT_TRUE(submit(on_port("a", 80)));
  interfere("a", 1);
  std::vector<std::uint16_t> answered;
  const auto note = [&](const Result<Outcome>& given) {
    ASSERT_TRUE(given);
    answered.push_back(given->instance->spec.port);
  };
  for (std::uint16_t port = 81; port <= 83; ++port) daemon_->registry->submit(on_port("a", port), note);
  daemon_->store_executor.hanging = true;
  time_->advance(0s);
  daemon_->registry->submit(on_port("a", 84), note);  // enters while their commit is on its way
  daemon_->store_executor.resume();
  time_->advance(1ms);

  EXPECT_THAT(answered, ElementsAre(81, 82, 83, 84));
  EXPECT_EQ(daemon_->catalog.find_instance("a")->spec.port, 84);
  EXPECT_EQ(daemon_->registry->stats().conflicts, 3U);
  EXPECT_EQ(daemon_->registry->stats().queued, 0U);
}

TEST_F(ConflictTest, ARenewalThatRestsOnAChangeWhichConflictsIsJudgedAgainWithIt) {
  ASSERT_TRUE(submit(on_port("a", 80)));
  interfere("a", 1);
  const auto update = send(on_port("a", 81));
  const auto renewal = send(on_port("a", 81));
  time_->advance(1ms);
  ASSERT_TRUE(*update && **update && *renewal && **renewal);
  EXPECT_TRUE((**update)->changed);
  EXPECT_FALSE((**renewal)->changed);
  EXPECT_EQ((**renewal)->revision, (**update)->revision);
  EXPECT_EQ(daemon_->registry->stats().conflicts, 2U);
}

TEST_F(ConflictTest, TheFifthAttemptMaySucceed) {
  ASSERT_TRUE(submit(on_port("a", 80)));
  interfere("a", 4);
  const auto outcome = submit(on_port("a", 81));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(commits_, 5);
}

TEST_F(ConflictTest, AfterFiveAttemptsTheRequestIsRefusedAsOverloaded) {
  ASSERT_TRUE(submit(on_port("a", 80)));
  interfere("a", 100);
  const auto outcome = submit(on_port("a", 81));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::overloaded);
  EXPECT_EQ(commits_, 5);
  EXPECT_EQ(daemon_->catalog.find_instance("a")->spec.port, 80);
  EXPECT_EQ(daemon_->registry->stats().queued, 0U);

  daemon_->store.before_commit = nullptr;
  EXPECT_TRUE(submit(on_port("a", 81))) << "the next one finds its way";
}

TEST_F(ConflictTest, AnExpiryThatConflictsIsTriedAgainSoon) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(29s);
  interfere("a", 1, EventKind::status_changed);
  time_->advance(1500ms);
  ASSERT_EQ(commits_, 1);
  EXPECT_TRUE(alive("a"));
  time_->advance(1s);
  EXPECT_FALSE(alive("a"));
}

TEST_F(ConflictTest, AnExpiryThatConflictsWithAnUpdateIsVoid) {
  ASSERT_TRUE(submit(registration("a")));
  time_->advance(29s);
  interfere("a", 1);
  time_->advance(1500ms);
  ASSERT_EQ(commits_, 1);
  time_->advance(28s);
  EXPECT_TRUE(alive("a")) << "its owner spoke to the other node";
  time_->advance(2s);
  EXPECT_FALSE(alive("a"));
}

}  // namespace
}  // namespace rollcall::testing
