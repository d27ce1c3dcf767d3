#pragma once
// What happens to a log before it is copied, and whether two logs are the same to whoever asks.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

#include "conformance/engines.hpp"
#include "conformance/values.hpp"

namespace rollcall::testing {

/// One thing that happens to one of a few ids, or to the whole log.
struct Happening {
  enum class Kind : std::uint8_t { change, remove, prune, lease, outbox };
  Kind kind = Kind::change;
  int id = 0;
};

inline rc::Gen<Happening> happenings() {
  using enum Happening::Kind;
  const auto kind =
      rc::gen::weightedElement<Happening::Kind>({{8, change}, {4, remove}, {3, prune}, {2, lease}, {1, outbox}});
  return rc::gen::build<Happening>(rc::gen::set(&Happening::kind, kind),
                                   rc::gen::set(&Happening::id, rc::gen::inRange(0, 6)));
}

/// Writes a log by its Store. A quarter of an hour lies between two happenings, so that tombstones and history end.
class LogStory {
 public:
  explicit LogStory(Store& store) : store_(store) {}

  void act(const Happening& happening) {
    now_ += 15min;
    const auto name = "i" + std::to_string(happening.id);
    switch (happening.kind) {
      case Happening::Kind::change:
        return change(name);
      case Happening::Kind::remove:
        return remove(name);
      case Happening::Kind::prune:
        ASSERT_TRUE(store_.prune(now_));
        return;
      case Happening::Kind::lease:
        return lease(name);
      case Happening::Kind::outbox:
        ASSERT_TRUE(store_.save_outbox_position("rabbit-" + name, seen_));
    }
  }

 private:
  void commit(Change change) {
    const auto done = store_.commit(batch(seen_, {std::move(change)}));
    ASSERT_TRUE(done) << done.error().message;
    const auto& event = done->events.back();
    seen_ = event->revision;
    newest_[event->instance->id.str()] = event;
  }

  void change(const std::string& name) {
    const auto known = newest_.find(name);
    if (known == newest_.end()) return commit(registering(full_instance(name), now_));
    if (known->second->kind != EventKind::removed) {
      return commit(following(EventKind::updated, *known->second->instance, now_));
    }
    Instance again = *known->second->instance;
    again.created = {};
    commit(registering(std::move(again), now_));
  }

  void remove(const std::string& name) {
    const auto known = newest_.find(name);
    if (known == newest_.end() || known->second->kind == EventKind::removed) return;
    commit(following(EventKind::removed, *known->second->instance, now_));
  }

  void lease(const std::string& name) {
    const auto known = newest_.find(name);
    if (known == newest_.end()) return;
    beat_ += 7s;
    const std::vector<LeaseMark> marks{{known->second->instance->number, beat_ - 1s}};
    ASSERT_TRUE(store_.save_leases({.now = beat_, .marks = marks}));
  }

  Store& store_;
  Revision seen_;
  std::map<std::string, EventPtr> newest_;
  WallTime now_ = kNoon;
  std::chrono::milliseconds beat_{0};
};

inline const StoreLimits kShortMemory{.history_age = 1h + 30min, .prune_events = 7};

inline void expect_same(const std::vector<EventPtr>& left, const std::vector<EventPtr>& right) {
  ASSERT_EQ(revisions_of(left), revisions_of(right));
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_TRUE(same(*left[i], *right[i]));
}
inline void expect_same(const std::vector<InstancePtr>& left, const std::vector<InstancePtr>& right) {
  ASSERT_EQ(ids_of(left), ids_of(right));
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_TRUE(same(*left[i], *right[i]));
}

inline void expect_same_state(Store& left, Store& right) {
  const auto a = left.snapshot(), b = right.snapshot();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->revision, b->revision);
  expect_same(a->instances, b->instances);
  ASSERT_EQ(a->tombstones.size(), b->tombstones.size());
  for (std::size_t i = 0; i < a->tombstones.size(); ++i) {
    EXPECT_TRUE(same(*a->tombstones[i].instance, *b->tombstones[i].instance));
    EXPECT_EQ(a->tombstones[i].removed_at, b->tombstones[i].removed_at);
  }
}

inline void expect_same_past(Store& left, Store& right) {
  const auto newest = left.snapshot()->revision;
  EXPECT_EQ(left.health().oldest, right.health().oldest);
  const Revision before{left.health().oldest.value - 1};
  for (std::uint64_t at = before.value; at <= newest.value; ++at) {
    expect_same(*left.state_at(Revision{at}, {}), *right.state_at(Revision{at}, {}));
  }
  expect_same(*left.read(before, 10'000), *right.read(before, 10'000));
  HistoryQuery all;
  all.limit = 10'000;
  expect_same(left.history(all)->events, right.history(all)->events);
  for (const auto& instance : left.snapshot()->instances) {
    expect_same(*left.history_of(instance->modified, 100), *right.history_of(instance->modified, 100));
  }
}

inline void expect_same_beside(Store& left, Store& right) {
  const auto a = left.load_leases(), b = right.load_leases();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->now, b->now);
  ASSERT_EQ(a->marks.size(), b->marks.size());
  for (std::size_t i = 0; i < a->marks.size(); ++i) {
    EXPECT_EQ(a->marks[i].number, b->marks[i].number);
    EXPECT_EQ(a->marks[i].last_beat, b->marks[i].last_beat);
  }
  for (int id = 0; id < 6; ++id) {
    const auto name = "rabbit-i" + std::to_string(id);
    EXPECT_EQ(*left.outbox_position(name), *right.outbox_position(name));
  }
}

/// What both are asked next gets the same answer as well.
inline void expect_same_future(Store& left, Store& right) {
  const auto seen = left.snapshot()->revision;
  const auto wanted = batch(seen, {registering(full_instance("next"))});
  const auto a = left.commit(wanted), b = right.commit(wanted);
  ASSERT_TRUE(a && b);
  expect_same(a->events, b->events);
  const auto later = kNoon + 24h * 30;
  for (int pieces = 0; pieces < 100 && *left.prune(later); ++pieces) continue;
  for (int pieces = 0; pieces < 100 && *right.prune(later); ++pieces) continue;
  expect_same_state(left, right);
  expect_same_past(left, right);
}

inline void expect_same_logs(Store& left, Store& right) {
  expect_same_state(left, right);
  expect_same_past(left, right);
  expect_same_beside(left, right);
}

}  // namespace rollcall::testing
