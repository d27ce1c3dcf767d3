// What every engine of the Store contract forgets, when, and what it keeps of it.
#include <gmock/gmock.h>

#include "conformance/store_fixture.hpp"

namespace rollcall::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <class Engine>
class StorePruningTest : public StoreTest<Engine> {};
TYPED_TEST_SUITE(StorePruningTest, Engines, EngineNames);

TYPED_TEST(StorePruningTest, HistoryPastItsAgeGoesAndTheStateStays) {
  const auto a = this->commit(registering(full_instance("a"), kNoon));
  this->commit(registering(full_instance("b"), kNoon));
  const auto a2 = this->commit(following(EventKind::updated, *a, kNoon));
  this->commit(following(EventKind::updated, *a2, kNoon + 24h));

  EXPECT_EQ(this->store_->prune(kNoon + 24h * 6), false);
  EXPECT_THAT(*this->store_->read(Revision{}, 10), SizeIs(4));
  EXPECT_EQ(this->store_->prune(kNoon + 24h * 7), false);

  EXPECT_EQ(this->store_->health().oldest, Revision{4});
  EXPECT_EQ(this->store_->read(Revision{2}, 10).error().code, ErrorCode::compacted);
  EXPECT_EQ(this->store_->state_at(Revision{2}, {}).error().code, ErrorCode::compacted);
  EXPECT_EQ(this->store_->commit(batch(Revision{2}, {})).error().code, ErrorCode::compacted);
  EXPECT_THAT(revisions_of(*this->store_->read(Revision{3}, 10)), ElementsAre(4));
  EXPECT_THAT(ids_of(*this->store_->state_at(Revision{3}, {})), ElementsAre("a", "b"));
  EXPECT_EQ((*this->store_->state_at(Revision{3}, {}))[0]->modified, Revision{3});
  EXPECT_THAT(ids_of(this->store_->snapshot()->instances), ElementsAre("a", "b"));
  EXPECT_THAT(revisions_of(this->store_->history({})->events), ElementsAre(4, 3, 2));
}

TYPED_TEST(StorePruningTest, ATombstonePastItsLifeGoesAndNothingIsReused) {
  const auto a = this->commit(registering(full_instance("a")));
  this->commit(following(EventKind::removed, *a));
  EXPECT_TRUE(this->store_->save_leases({.now = 1s, .marks = {{a->number, 0ms}}, .term = {}}));
  EXPECT_EQ(this->store_->prune(kNoon + 59min), false);
  EXPECT_THAT(this->store_->snapshot()->tombstones, SizeIs(1));
  EXPECT_EQ(this->store_->prune(kNoon + 60min), false);
  EXPECT_THAT(this->store_->snapshot()->tombstones, IsEmpty());
  EXPECT_THAT(*this->store_->read(Revision{}, 10), SizeIs(2)) << "history lives longer";

  EXPECT_EQ(this->store_->prune(kNoon + 24h * 30), false);
  EXPECT_THAT(this->store_->history({})->events, IsEmpty());
  EXPECT_THAT(this->store_->load_leases()->marks, IsEmpty());
  const auto again = this->engine_.open();
  EXPECT_EQ(again->snapshot()->revision, Revision{2});
  const auto next = this->must(again->commit(batch(Revision{2}, {registering(full_instance("a"))})));
  EXPECT_EQ(next.events[0]->revision, Revision{3});
  EXPECT_EQ(next.events[0]->instance->number, InstanceNumber{2});
}

TYPED_TEST(StorePruningTest, ATombstoneOutlivesItsHistory) {
  const auto store = this->engine_.open({.history_age = 1min});
  const auto a = this->commit(registering(full_instance("a")));
  const auto gone = this->commit(following(EventKind::removed, *a));
  EXPECT_EQ(store->prune(kNoon + 2min), false);
  EXPECT_THAT(store->snapshot()->tombstones, SizeIs(1));
  EXPECT_THAT(*store->state_at(Revision{2}, {}), IsEmpty());
  EXPECT_EQ(store->prune(kNoon + 2h), false);
  EXPECT_THAT(store->snapshot()->tombstones, IsEmpty());
  EXPECT_THAT(store->history({})->events, IsEmpty());

  // Its writer may not know yet that the tombstone is gone.
  Instance next = full_instance("a");
  next.number = gone->number;
  next.modified = gone->modified;
  EXPECT_EQ(this->commit(registering(next))->number, gone->number);
}

TYPED_TEST(StorePruningTest, PruningIsDoneInPieces) {
  const auto store = this->engine_.open({.prune_events = 2});
  for (int i = 0; i < 5; ++i) this->commit(registering(full_instance("i" + std::to_string(i))));
  EXPECT_EQ(store->prune(kNoon + 24h * 8), true);
  EXPECT_EQ(store->health().oldest, Revision{3});
  EXPECT_EQ(store->prune(kNoon + 24h * 8), true);
  EXPECT_EQ(store->prune(kNoon + 24h * 8), false);
  EXPECT_EQ(store->health().oldest, Revision{6});
  EXPECT_THAT(store->snapshot()->instances, SizeIs(5));
}

TYPED_TEST(StorePruningTest, WhatAnOutboxHasntConfirmedStays) {
  const auto store = this->engine_.open({.outboxes = {"rabbit", "webhook", "one that never began"}});
  for (int i = 0; i < 5; ++i) this->commit(registering(full_instance("i" + std::to_string(i))));
  ASSERT_TRUE(store->save_outbox_position("rabbit", Revision{4}));
  ASSERT_TRUE(store->save_outbox_position("webhook", Revision{2}));
  ASSERT_TRUE(store->save_outbox_position("of nobody here", Revision{1}));

  EXPECT_EQ(store->prune(kNoon + 24h * 8), false);
  EXPECT_EQ(store->health().oldest, Revision{3});
  EXPECT_THAT(revisions_of(*store->read(Revision{2}, 10)), ElementsAre(3, 4, 5));

  ASSERT_TRUE(store->save_outbox_position("webhook", Revision{5}));
  EXPECT_EQ(store->prune(kNoon + 24h * 8), false);
  EXPECT_EQ(store->health().oldest, Revision{5});
  EXPECT_EQ(this->store_->prune(kNoon + 24h * 8), false) << "this handle knows of no outbox";
  EXPECT_EQ(this->store_->health().oldest, Revision{6});
}

TYPED_TEST(StorePruningTest, AnOutboxKeepsNoMoreThanItMay) {
  const auto store = this->engine_.open({.outboxes = {"rabbit"}, .outbox_bytes = 1});
  for (int i = 0; i < 5; ++i) this->commit(registering(full_instance("i" + std::to_string(i))));
  ASSERT_TRUE(store->save_outbox_position("rabbit", Revision{2}));
  EXPECT_EQ(store->prune(kNoon + 24h * 8), false);
  EXPECT_EQ(store->health().oldest, Revision{6});
}

TYPED_TEST(StorePruningTest, HistoryIsBoundedInBytes) {
  constexpr std::size_t kBound = 256 * 1024;
  const auto store = this->engine_.open({.history_bytes = kBound, .prune_events = 100});
  auto a = this->commit(registering(full_instance("a")));
  for (int i = 0; i < 60; ++i) {
    std::vector<Change> changes(50, following(EventKind::updated, *a));
    const auto result = this->must(this->store_->commit(batch(this->seen_, changes)));
    a = result.events.back()->instance;
    this->seen_ = a->modified;
    for (int pieces = 0; pieces < 100 && *store->prune(kNoon); ++pieces) continue;
  }
  EXPECT_GT(store->health().oldest, Revision{1'000});
  EXPECT_THAT(*store->read(Revision{store->health().oldest.value - 1}, 10), SizeIs(10));
  EXPECT_EQ(store->snapshot()->instances.at(0)->modified, Revision{3'001});
  HistoryQuery all;
  all.limit = 10'000;
  EXPECT_GT(store->history(all)->events.size(), 300U);
}

}  // namespace
}  // namespace rollcall::testing
