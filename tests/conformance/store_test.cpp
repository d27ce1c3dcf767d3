// What every engine of the Store contract does, alone and with two handles on one log.
#include <gmock/gmock.h>

#include <thread>

#include "conformance/store_fixture.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TYPED_TEST_SUITE(StoreTest, Engines, EngineNames);

TYPED_TEST(StoreTest, ANewLogIsEmpty) {
  const auto snapshot = this->store_->snapshot();
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->generation);
  EXPECT_LT(snapshot->generation.value, std::uint64_t{1} << 53);
  EXPECT_EQ(snapshot->revision, Revision{});
  EXPECT_THAT(snapshot->instances, IsEmpty());
  EXPECT_THAT(*this->store_->read(Revision{}, 10), IsEmpty());
  EXPECT_THAT(*this->store_->state_at(Revision{}, {}), IsEmpty());
  EXPECT_THAT(this->store_->history({})->events, IsEmpty());
  EXPECT_EQ(this->store_->health().oldest, Revision{1});
  EXPECT_TRUE(this->store_->health().writable);
}

TYPED_TEST(StoreTest, KeepsEveryFieldAndFillsInItsOwn) {
  const auto result = this->must(this->store_->commit(batch({}, {registering(full_instance("a"))})));

  ASSERT_THAT(result.events, SizeIs(1));
  Instance expected = full_instance("a");
  expected.number = InstanceNumber{1};
  expected.created = expected.modified = Revision{1};
  const Event& event = *result.events[0];
  EXPECT_TRUE(same(*event.instance, expected));
  EXPECT_EQ(event.previous, Revision{});
  EXPECT_EQ(event.cause, (Cause{"api", "asked to"}));
  EXPECT_EQ(event.at, kNoon);

  const auto again = this->engine_.open();
  EXPECT_TRUE(same(*(*again->read(Revision{}, 1))[0], event));
  EXPECT_TRUE(same(*again->snapshot()->instances.at(0), expected));
}

TYPED_TEST(StoreTest, KeepsEveryFieldOfADeclaration) {
  const auto stored = this->commit(registering(full_declaration("d")));
  auto expected = full_declaration("d");
  expected.number = stored->number;
  expected.created = expected.modified = stored->modified;
  EXPECT_TRUE(same(*this->engine_.open()->snapshot()->instances.at(0), expected));
}

TYPED_TEST(StoreTest, AnInstanceOfDefaultsComesBackAsItWas) {
  Instance plain;
  plain.id = InstanceId("p");
  const auto stored = this->commit(registering(plain));
  plain.number = stored->number;
  plain.created = plain.modified = stored->modified;
  EXPECT_TRUE(same(*this->engine_.open()->snapshot()->instances.at(0), plain));
}

TYPED_TEST(StoreTest, NumbersAreDenseAndPreviousFollowsEachInstance) {
  const auto a = this->commit(registering(full_instance("a")));
  const auto b = this->commit(registering(full_instance("b")));
  const auto a2 = this->commit(following(EventKind::updated, *a));
  const auto b2 = this->commit(following(EventKind::removed, *b));
  const auto c = this->commit(registering(full_instance("c")));

  EXPECT_EQ(a->number, InstanceNumber{1});
  EXPECT_EQ(b->number, InstanceNumber{2});
  EXPECT_EQ(c->number, InstanceNumber{3});
  EXPECT_EQ(a2->created, a->modified);
  const auto events = *this->store_->read(Revision{}, 10);
  ASSERT_THAT(revisions_of(events), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(events[2]->previous, a->modified);
  EXPECT_EQ(events[3]->previous, b->modified);
  EXPECT_EQ(events[4]->previous, Revision{});
  EXPECT_THAT(revisions_of(*this->store_->history_of(a2->modified, 10)), ElementsAre(3, 1));
  EXPECT_THAT(revisions_of(*this->store_->history_of(a2->modified, 1)), ElementsAre(3));
}

TYPED_TEST(StoreTest, ARegisteredIdKeepsItsNumberOverARemoval) {
  const auto first = this->commit(registering(full_instance("a")));
  const auto gone = this->commit(following(EventKind::removed, *first));
  const auto tombstones = this->store_->snapshot()->tombstones;
  ASSERT_THAT(tombstones, SizeIs(1));
  EXPECT_TRUE(same(*tombstones[0].instance, *gone));
  EXPECT_EQ(tombstones[0].removed_at, kNoon);

  Instance next = full_instance("a");
  next.number = gone->number;
  next.modified = gone->modified;
  const auto second = this->commit(registering(next));

  EXPECT_EQ(second->number, first->number);
  EXPECT_EQ(second->created, second->modified);
  EXPECT_THAT(this->store_->snapshot()->tombstones, IsEmpty());
  EXPECT_THAT(ids_of(this->store_->snapshot()->instances), ElementsAre("a"));
  EXPECT_THAT(revisions_of(*this->store_->history_of(second->modified, 10)), ElementsAre(3, 2, 1));
}

TYPED_TEST(StoreTest, ChangesOfOneIdInABatchFollowEachOther) {
  const Instance a = full_instance("a");
  const auto result = this->must(this->store_->commit(
      batch({}, {registering(a), following(EventKind::updated, a), following(EventKind::removed, a), registering(a)})));

  ASSERT_THAT(revisions_of(result.events), ElementsAre(1, 2, 3, 4));
  for (const auto& event : result.events) {
    EXPECT_EQ(event->instance->number, InstanceNumber{1});
    EXPECT_EQ(event->previous.value, event->revision.value - 1);
  }
  EXPECT_EQ(result.events[1]->instance->created, Revision{1});
  EXPECT_EQ(result.events[3]->instance->created, Revision{4});
  const auto snapshot = this->engine_.open()->snapshot();
  EXPECT_THAT(ids_of(snapshot->instances), ElementsAre("a"));
  EXPECT_THAT(snapshot->tombstones, IsEmpty());
}

TYPED_TEST(StoreTest, AnEmptyBatchTellsTheNews) {
  const auto other = this->engine_.open();
  this->must(other->commit(batch({}, {registering(full_instance("a"))})));
  const auto result = this->must(this->store_->commit(batch({}, {})));
  EXPECT_THAT(result.outcomes, IsEmpty());
  EXPECT_THAT(revisions_of(result.events), ElementsAre(1));
}

TYPED_TEST(StoreTest, HandlesSeeEachOthersEventsInOneOrder) {
  const auto other = this->engine_.open();
  EXPECT_EQ(other->snapshot()->generation, this->store_->snapshot()->generation);
  this->must(this->store_->commit(batch({}, {registering(full_instance("a"))})));
  const auto theirs = this->must(other->commit(batch({}, {registering(full_instance("b"))})));
  EXPECT_THAT(revisions_of(theirs.events), ElementsAre(1, 2));
  EXPECT_EQ(theirs.events[1]->instance->number, InstanceNumber{2});
  const auto ours = this->must(this->store_->commit(batch(Revision{1}, {registering(full_instance("c"))})));
  EXPECT_THAT(revisions_of(ours.events), ElementsAre(2, 3));

  const auto all = *this->store_->read(Revision{}, 10);
  const auto seen_there = *other->read(Revision{}, 10);
  ASSERT_THAT(all, SizeIs(3));
  ASSERT_THAT(seen_there, SizeIs(3));
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(same(*all[i], *seen_there[i]));
}

TYPED_TEST(StoreTest, AnIdTouchedByAnotherHandleConflictsAlone) {
  const auto a = this->commit(registering(full_instance("a")));
  const auto other = this->engine_.open();
  this->must(other->commit(batch(Revision{1}, {following(EventKind::updated, *a)})));

  const auto result = this->must(
      this->store_->commit(batch(Revision{1}, {registering(full_instance("b")), following(EventKind::removed, *a),
                                               registering(full_instance("c")), following(EventKind::updated, *a)})));

  ASSERT_THAT(result.outcomes, SizeIs(4));
  EXPECT_EQ(result.outcomes[0], Revision{3});
  EXPECT_EQ(result.outcomes[1].error().code, ErrorCode::conflict);
  EXPECT_EQ(result.outcomes[2], Revision{4});
  EXPECT_EQ(result.outcomes[3].error().code, ErrorCode::conflict);
  EXPECT_THAT(revisions_of(result.events), ElementsAre(2, 3, 4));
  EXPECT_EQ(result.events[2]->instance->number, InstanceNumber{3});
}

TYPED_TEST(StoreTest, ANewIdThatAnotherHandleTookFirstConflicts) {
  const auto other = this->engine_.open();
  this->must(other->commit(batch({}, {registering(full_instance("a"))})));
  const auto result = this->must(this->store_->commit(batch({}, {registering(full_instance("a"))})));
  EXPECT_EQ(result.outcomes[0].error().code, ErrorCode::conflict);
  EXPECT_THAT(revisions_of(result.events), ElementsAre(1));

  const auto seen = result.events[0]->instance;
  const auto retried = this->must(this->store_->commit(batch(Revision{1}, {following(EventKind::updated, *seen)})));
  EXPECT_EQ(retried.outcomes[0], Revision{2});
}

TYPED_TEST(StoreTest, OwnEventsAfterSeenDontConflict) {
  const auto a = this->must(this->store_->commit(batch({}, {registering(full_instance("a"))}))).events[0]->instance;
  const auto result = this->must(this->store_->commit(batch({}, {following(EventKind::updated, *a)})));
  EXPECT_EQ(result.outcomes[0], Revision{2});
  EXPECT_THAT(revisions_of(result.events), ElementsAre(1, 2));
}

TYPED_TEST(StoreTest, AChangeOfWhatIsNoLongerTheNewestConflicts) {
  const auto a = this->commit(registering(full_instance("a")));
  this->commit(following(EventKind::updated, *a));
  const auto result = this->must(this->store_->commit(batch(Revision{2}, {following(EventKind::updated, *a)})));
  EXPECT_EQ(result.outcomes[0].error().code, ErrorCode::conflict);
}

TYPED_TEST(StoreTest, HandlesOnTwoThreadsMakeOneLog) {
  constexpr std::uint64_t kCommits = 40;
  std::vector<std::unique_ptr<Store>> handles;
  for (int i = 0; i < 2; ++i) handles.push_back(this->engine_.open());
  std::vector<std::jthread> threads;
  for (const auto& handle : handles) {
    threads.emplace_back([store = handle.get(), name = std::to_string(threads.size())] {
      Revision seen;
      for (std::uint64_t i = 0; i < kCommits; ++i) {
        const auto done = store->commit(batch(seen, {registering(full_instance(name + "-" + std::to_string(i)))}));
        ASSERT_TRUE(done) << done.error().message;
        EXPECT_TRUE(done->outcomes.at(0));
        EXPECT_EQ(done->events.front()->revision.value, seen.value + 1);
        seen = done->events.back()->revision;
      }
    });
  }
  threads.clear();
  const auto events = *this->store_->read(Revision{}, 1'000);
  ASSERT_THAT(events, SizeIs(2 * kCommits));
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i]->revision.value, i + 1);
    EXPECT_EQ(events[i]->instance->number.value, i + 1);
  }
}

TYPED_TEST(StoreTest, ReadIsBoundedAndResumes) {
  for (int i = 0; i < 5; ++i) this->commit(registering(full_instance("i" + std::to_string(i))));
  EXPECT_THAT(revisions_of(*this->store_->read(Revision{1}, 2)), ElementsAre(2, 3));
  EXPECT_THAT(revisions_of(*this->store_->read(Revision{3}, 100)), ElementsAre(4, 5));
  EXPECT_THAT(*this->store_->read(Revision{5}, 100), IsEmpty());
}

TYPED_TEST(StoreTest, StateAtIsWhatItWasThen) {
  const auto a = this->commit(registering(full_instance("a")));
  this->commit(registering(full_instance("b", "mail")));
  this->commit(following(EventKind::removed, *a));
  EXPECT_THAT(ids_of(*this->store_->state_at(Revision{1}, {})), ElementsAre("a"));
  EXPECT_THAT(ids_of(*this->store_->state_at(Revision{2}, {})), ElementsAre("a", "b"));
  EXPECT_THAT(ids_of(*this->store_->state_at(Revision{3}, {})), ElementsAre("b"));
  Filter mail;
  mail.service = ServiceName("mail");
  EXPECT_THAT(ids_of(*this->store_->state_at(Revision{2}, mail)), ElementsAre("b"));
  EXPECT_EQ(this->store_->state_at(Revision{4}, {}).error().code, ErrorCode::not_found);
}

TYPED_TEST(StoreTest, HistoryIsFilteredAndOrdered) {
  const auto a = this->commit(registering(full_instance("a"), kNoon));
  this->commit(registering(full_instance("b", "mail"), kNoon + 1min));
  this->commit(following(EventKind::updated, *a, kNoon + 2min));

  EXPECT_THAT(revisions_of(this->store_->history({})->events), ElementsAre(3, 2, 1));
  HistoryQuery query;
  query.newest_first = false;
  EXPECT_THAT(revisions_of(this->store_->history(query)->events), ElementsAre(1, 2, 3));
  query.filter.id = InstanceId("a");
  EXPECT_THAT(revisions_of(this->store_->history(query)->events), ElementsAre(1, 3));
  query.filter = {};
  query.filter.service = ServiceName("mail");
  EXPECT_THAT(revisions_of(this->store_->history(query)->events), ElementsAre(2));
  query.filter = {};
  query.since = kNoon + 1min;
  EXPECT_THAT(revisions_of(this->store_->history(query)->events), ElementsAre(2, 3));
  query.until = kNoon + 1min;
  EXPECT_THAT(revisions_of(this->store_->history(query)->events), ElementsAre(2));
  query = {};
  query.after = Revision{1};
  query.before = Revision{3};
  EXPECT_THAT(revisions_of(this->store_->history(query)->events), ElementsAre(2));
}

TYPED_TEST(StoreTest, HistoryGoesOnWhereAPageEnded) {
  const auto store = this->engine_.open({.history_scan = 3});
  std::vector<Change> changes;
  for (int i = 0; i < 8; ++i) changes.push_back(registering(full_instance("i" + std::to_string(i))));
  this->must(store->commit(batch({}, changes)));
  for (const bool newest_first : {true, false}) {
    HistoryQuery query;
    query.filter.id = InstanceId("i2");
    query.newest_first = newest_first;
    std::vector<std::uint64_t> found;
    int pages = 0;
    for (; pages < 10; ++pages) {
      const auto page = store->history(query);
      ASSERT_TRUE(page);
      for (const auto& event : page->events) found.push_back(event->revision.value);
      if (!page->resume) break;
      if (newest_first) {
        query.before = page->resume;
      } else {
        query.after = *page->resume;
      }
    }
    EXPECT_THAT(found, ElementsAre(3));
    EXPECT_EQ(pages, 2);
  }
}

TYPED_TEST(StoreTest, LeaseMarksAreAddedAndReplaced) {
  EXPECT_THAT(this->store_->load_leases()->marks, IsEmpty());
  EXPECT_TRUE(this->store_->save_leases({5s, {{InstanceNumber{1}, 0ms}, {InstanceNumber{5'000}, 3s}}, Term{}}));
  EXPECT_TRUE(this->store_->save_leases(
      {24h * 365 * 20,
       {{InstanceNumber{799}, 24h * 365 * 20}, {InstanceNumber{1}, 4s}, {InstanceNumber{800}, 1ms}},
       Term{}}));
  const auto loaded = this->engine_.open()->load_leases();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->now, 24h * 365 * 20);
  std::vector<std::pair<std::uint64_t, std::int64_t>> marks;
  for (const auto& mark : loaded->marks) marks.emplace_back(mark.number.value, mark.last_beat.count());
  EXPECT_THAT(marks, ElementsAre(std::pair(1, 4'000), std::pair(799, 630'720'000'000), std::pair(800, 1),
                                 std::pair(5'000, 3'000)));
}

TYPED_TEST(StoreTest, ALeaseMarkGoesWithItsIncarnation) {
  const auto a = this->commit(registering(full_instance("a")));
  const auto b = this->commit(registering(full_instance("b")));
  EXPECT_TRUE(this->store_->save_leases({5s, {{a->number, 1s}, {b->number, 2s}}, Term{}}));

  this->commit(following(EventKind::registered, *a));
  this->commit(following(EventKind::updated, *b));

  const auto loaded = this->engine_.open()->load_leases();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->now, 5s);
  ASSERT_THAT(loaded->marks, SizeIs(1));
  EXPECT_EQ(loaded->marks[0].number, b->number);
}

TYPED_TEST(StoreTest, AnOutboxRemembersItsPosition) {
  EXPECT_EQ(*this->store_->outbox_position("rabbit"), std::nullopt);
  EXPECT_TRUE(this->store_->save_outbox_position("rabbit", Revision{}));
  EXPECT_EQ(*this->store_->outbox_position("rabbit"), Revision{});
  EXPECT_TRUE(this->store_->save_outbox_position("rabbit", Revision{3}));
  EXPECT_TRUE(this->store_->save_outbox_position("rabbit", Revision{9}));
  EXPECT_TRUE(this->store_->save_outbox_position("other", Revision{1}));
  EXPECT_EQ(*this->engine_.open()->outbox_position("rabbit"), Revision{9});
}

}  // namespace
}  // namespace rollcall::testing
