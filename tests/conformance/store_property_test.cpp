// Whatever is committed by whichever handle, an engine agrees with a model that keeps everything.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

#include "conformance/engines.hpp"
#include "conformance/values.hpp"

namespace rollcall::testing {
namespace {

constexpr std::size_t kHandles = 2;
constexpr int kIds = 6;

/// One thing that happens. What a commit does to an id follows from what the handle knows of it.
struct Action {
  enum class Kind : std::uint8_t { commit, prune, reopen };
  Kind kind = Kind::commit;
  std::size_t handle = 0;
  std::vector<std::pair<int, int>> changes;  ///< id, and what is wanted of it
};

rc::Gen<Action> actions() {
  const auto change = rc::gen::pair(rc::gen::inRange(0, kIds), rc::gen::inRange(0, 3));
  const auto kind = rc::gen::weightedElement<Action::Kind>(
      {{12, Action::Kind::commit}, {3, Action::Kind::prune}, {1, Action::Kind::reopen}});
  return rc::gen::build<Action>(
      rc::gen::set(&Action::kind, kind), rc::gen::set(&Action::handle, rc::gen::inRange<std::size_t>(0, kHandles)),
      rc::gen::set(&Action::changes,
                   rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::cast<std::pair<int, int>>(change))));
}

/// What a handle's owner knows: the newest event of each id up to `seen`.
struct Knowledge {
  Revision seen;
  std::map<std::string, EventPtr> newest;

  void learn(const std::vector<EventPtr>& events) {
    for (const auto& event : events) {
      newest[event->instance->id.str()] = event;
      seen = event->revision;
    }
  }
};

template <class Engine>
class World {
 public:
  World() {
    for (auto& handle : handles_) handle = open();
  }

  void act(const Action& action) {
    now_ += 1min;
    switch (action.kind) {
      case Action::Kind::commit:
        return commit(action);
      case Action::Kind::prune:
        RC_ASSERT(handles_[action.handle]->prune(now_).has_value());
        return;
      case Action::Kind::reopen:
        handles_[action.handle].reset();
        handles_[action.handle] = open();
    }
  }

  void check() {
    for (auto& handle : handles_) {
      check_log(*handle);
      check_states(*handle);
    }
  }

 private:
  std::unique_ptr<Store> open() { return engine_.open({.history_age = 10min, .prune_events = 7}); }

  Change change_of(const Knowledge& knowledge, int id, int wish) {
    const std::string name = "i" + std::to_string(id);
    const auto known = knowledge.newest.find(name);
    if (known == knowledge.newest.end()) {
      return registering(id % 4 == 3 ? full_declaration(name) : full_instance(name), now_);
    }
    if (known->second->kind == EventKind::removed) {
      Instance again = *known->second->instance;
      again.created = {};
      return registering(std::move(again), now_);
    }
    constexpr EventKind kWishes[] = {EventKind::updated, EventKind::removed, EventKind::status_changed};
    return following(kWishes[wish], *known->second->instance, now_);
  }

  void commit(const Action& action) {
    Knowledge& knowledge = knowledge_[action.handle];
    ChangeBatch wanted{knowledge.seen, {}};
    std::map<std::string, int> in_batch;
    for (const auto& [id, wish] : action.changes) {
      if (in_batch[std::to_string(id)]++ == 0) wanted.changes.push_back(change_of(knowledge, id, wish));
    }
    const auto result = handles_[action.handle]->commit(wanted);
    if (!result) {
      RC_ASSERT(result.error().code == ErrorCode::compacted);
      knowledge = {};
      knowledge.learn(log_);
      return;
    }
    check_outcomes(knowledge, wanted, *result);
    knowledge.learn(result->events);
  }

  /// A change conflicts exactly when another handle has touched its id since; the others are events, in their order.
  void check_outcomes(const Knowledge& before, const ChangeBatch& wanted, const CommitResult& result) {
    std::map<std::string, bool> touched;
    std::vector<EventPtr> expected;
    for (const auto& event : log_) {
      if (event->revision <= before.seen) continue;
      touched[event->instance->id.str()] = true;
      expected.push_back(event);
    }
    RC_ASSERT(result.outcomes.size() == wanted.changes.size());
    std::size_t next = expected.size();
    for (std::size_t i = 0; i < expected.size(); ++i) RC_ASSERT(same(*expected[i], *result.events.at(i)));
    for (std::size_t i = 0; i < wanted.changes.size(); ++i) {
      const auto& outcome = result.outcomes[i];
      if (!outcome) {
        RC_ASSERT(outcome.error().code == ErrorCode::conflict);
        RC_ASSERT(touched[wanted.changes[i].instance.id.str()]);
        continue;
      }
      RC_ASSERT(!touched[wanted.changes[i].instance.id.str()]);
      const EventPtr& event = result.events.at(next++);
      RC_ASSERT(event->revision == *outcome);
      RC_ASSERT(event->revision > (log_.empty() ? Revision{} : log_.back()->revision));
      RC_ASSERT(event->previous == wanted.changes[i].instance.modified);
      RC_ASSERT(event->instance->id == wanted.changes[i].instance.id);
      log_.push_back(event);
    }
    RC_ASSERT(next == result.events.size());
  }

  [[nodiscard]] std::map<std::string, EventPtr> fold_up_to(Revision revision) const {
    std::map<std::string, EventPtr> state;
    for (const auto& event : log_) {
      if (event->revision > revision) break;
      state[event->instance->id.str()] = event;
    }
    std::erase_if(state, [](const auto& entry) { return entry.second->kind == EventKind::removed; });
    return state;
  }

  static void check_state(const std::vector<InstancePtr>& state, const std::map<std::string, EventPtr>& expected) {
    RC_ASSERT(state.size() == expected.size());
    for (const auto& instance : state) {
      const auto found = expected.find(instance->id.str());
      RC_ASSERT(found != expected.end());
      RC_ASSERT(same(*found->second->instance, *instance));
    }
  }

  void check_log(Store& store) {
    oldest_ = store.health().oldest;
    // Another handle may have pruned since this one looked.
    auto events = store.read(Revision{oldest_.value - 1}, 10'000);
    oldest_ = store.health().oldest;
    if (!events) events = store.read(Revision{oldest_.value - 1}, 10'000);
    RC_ASSERT(events.has_value());
    std::vector<EventPtr> expected;
    for (const auto& event : log_) {
      if (event->revision >= oldest_) expected.push_back(event);
    }
    RC_ASSERT(events->size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) RC_ASSERT(same(*expected[i], *(*events)[i]));
  }

  void check_states(Store& store) {
    const Revision last = log_.empty() ? Revision{} : log_.back()->revision;
    const auto snapshot = store.snapshot();
    RC_ASSERT(snapshot->revision == last);
    check_state(snapshot->instances, fold_up_to(last));
    for (std::uint64_t at = oldest_.value - 1; at <= last.value; ++at) {
      const auto state = store.state_at(Revision{at}, {});
      RC_ASSERT(state.has_value());
      check_state(*state, fold_up_to(Revision{at}));
    }
    for (const auto& tombstone : snapshot->tombstones) {
      RC_ASSERT(now_ - tombstone.removed_at < 1h + 1h);
      RC_ASSERT(!fold_up_to(last).contains(tombstone.instance->id.str()));
    }
  }

  Engine engine_;
  std::array<std::unique_ptr<Store>, kHandles> handles_;
  std::array<Knowledge, kHandles> knowledge_;
  std::vector<EventPtr> log_;
  Revision oldest_;
  WallTime now_ = kNoon;
};

template <class Engine>
void agrees_with_the_model(int runs) {
  const auto configuration = "max_success=" + std::to_string(runs) + " seed=20260115";
  setenv("RC_PARAMS", configuration.c_str(), 0);
  const bool holds = rc::check("an engine agrees with the model", [] {
    const auto story = *rc::gen::container<std::vector<Action>>(actions());
    World<Engine> world;
    std::size_t count = 0;
    for (const Action& action : story) {
      world.act(action);
      if (++count % 5 == 0) world.check();
    }
    world.check();
  });
  EXPECT_TRUE(holds);
}

TEST(StoreProperty, MemoryAgreesWithTheModel) { agrees_with_the_model<MemoryEngine>(60); }
TEST(StoreProperty, SqliteAgreesWithTheModel) { agrees_with_the_model<SqliteEngine>(60); }
TEST(StoreProperty, PostgresAgreesWithTheModel) {
  if (PostgresEngine::is_missing()) GTEST_SKIP() << "it isn't installed";
  agrees_with_the_model<PostgresEngine>(20);
}

}  // namespace
}  // namespace rollcall::testing
