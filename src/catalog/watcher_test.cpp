#include "catalog/catalog_test_kit.hpp"

namespace rollcall {
namespace {

using test::feed;
using test::instance_of;
using test::registered;
using test::removed;

class WatcherTest : public ::testing::Test {
 protected:
  WatcherTest() {
    Snapshot snapshot;
    snapshot.generation = Generation{1};
    catalog.reset(snapshot);
  }

  static std::vector<std::uint64_t> revisions(Watcher& watcher, std::size_t limit = 100) {
    std::vector<std::uint64_t> found;
    const auto events = watcher.next(limit);
    if (!events) return {events.error().code == ErrorCode::compacted ? 0U : 999'999U};
    for (const auto& notice : *events) found.push_back(notice->event->revision.value);
    return found;
  }

  static void reset(Catalog& catalog, std::uint64_t generation, std::uint64_t revision) {
    Snapshot snapshot;
    snapshot.generation = Generation{generation};
    snapshot.revision = Revision{revision};
    catalog.reset(snapshot);
  }

  using Revisions = std::vector<std::uint64_t>;
  const Revisions compacted{0};
  Catalog catalog{test::plain_encoders(), CatalogLimits{.recent_events = 4}};
};

TEST_F(WatcherTest, GetsEveryEventOnceInOrder) {
  Watcher watcher(catalog, std::nullopt, Revision{0}, [] {});
  EXPECT_EQ(revisions(watcher), Revisions{});
  feed(catalog, {registered("a", "1", 3), registered("b", "2", 5), removed("a", "1", 6)});
  EXPECT_EQ(revisions(watcher, 2), (Revisions{3, 5}));
  EXPECT_EQ(revisions(watcher, 2), (Revisions{6}));
  EXPECT_EQ(revisions(watcher, 2), Revisions{});
  Watcher later(catalog, std::nullopt, Revision{5}, [] {});
  EXPECT_EQ(revisions(later), (Revisions{6}));
}

TEST_F(WatcherTest, IsWokenForItsOwnServiceAloneAndOnceBetweenReads) {
  int woken = 0;
  int woken_by_any = 0;
  Watcher watcher(catalog, ServiceName("a"), Revision{0}, [&] { ++woken; });
  Watcher any(catalog, std::nullopt, Revision{0}, [&] { ++woken_by_any; });
  feed(catalog, {registered("b", "1", 1)});
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(woken_by_any, 1);
  feed(catalog, {registered("a", "2", 2), registered("a", "3", 3)});
  feed(catalog, {registered("a", "4", 4)});
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(woken_by_any, 1);
  EXPECT_EQ(revisions(watcher), (Revisions{2, 3, 4}));
  feed(catalog, {removed("a", "4", 5)});
  EXPECT_EQ(woken, 2);
}

// Not where they happen to lie in memory: a history that is repeated has to repeat to the end.
TEST_F(WatcherTest, AreWokenInTheOrderInWhichTheyCame) {
  constexpr int kWatchers = 24;
  std::vector<int> woken;
  std::vector<int> expected;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < kWatchers; ++i) {
    watchers.push_back(
        std::make_unique<Watcher>(catalog, std::nullopt, Revision{0}, [&woken, i] { woken.push_back(i); }));
    if (i % 3 != 0) expected.push_back(i);
  }
  for (int i = 0; i < kWatchers; i += 3) watchers[static_cast<std::size_t>(i)].reset();
  feed(catalog, {registered("a", "1", 1)});
  EXPECT_EQ(woken, expected);
}

TEST_F(WatcherTest, SeesTheViewsThatItsEventsMade) {
  CatalogReader reader(catalog);
  Revision seen;
  Watcher watcher(catalog, ServiceName("a"), Revision{0}, [&] { seen = reader.find("a")->service.revision; });
  feed(catalog, {registered("a", "1", 1)});
  EXPECT_EQ(seen, Revision{1});
}

TEST_F(WatcherTest, IsNotWokenAfterItsEnd) {
  int woken = 0;
  {
    const Watcher watcher(catalog, ServiceName("a"), Revision{0}, [&] { ++woken; });
  }
  feed(catalog, {registered("a", "1", 1)});
  EXPECT_EQ(woken, 0);
}

TEST_F(WatcherTest, IsToldWhenItHasFallenBehind) {
  Watcher slow(catalog, std::nullopt, Revision{0}, [] {});
  Watcher slow_on_a(catalog, ServiceName("a"), Revision{0}, [] {});
  feed(catalog, {registered("a", "0", 1)});
  for (std::uint64_t r = 2; r <= 5; ++r) feed(catalog, {registered("b", std::to_string(r), r)});
  EXPECT_EQ(revisions(slow), compacted);
  EXPECT_EQ(revisions(slow_on_a), compacted);
  Watcher just(catalog, std::nullopt, Revision{1}, [] {});
  EXPECT_EQ(revisions(just), (Revisions{2, 3, 4, 5}));
}

TEST_F(WatcherTest, OfAQuietServiceDoesNotFallBehindTheOthers) {
  feed(catalog, {registered("quiet", "0", 1)});
  Watcher waiting(catalog, ServiceName("quiet"), Revision{1}, [] {});
  for (std::uint64_t r = 2; r <= 20; ++r) feed(catalog, {registered("loud", std::to_string(r), r)});
  EXPECT_EQ(revisions(waiting), Revisions{});
  // One that comes later with the service's last revision has missed nothing either.
  Watcher later(catalog, ServiceName("quiet"), Revision{1}, [] {});
  EXPECT_EQ(revisions(later), Revisions{});
  Watcher too_late(catalog, ServiceName("quiet"), Revision{0}, [] {});
  EXPECT_EQ(revisions(too_late), compacted);
  feed(catalog, {registered("quiet", "1", 21)});
  EXPECT_EQ(revisions(waiting), (Revisions{21}));
  EXPECT_EQ(revisions(later), (Revisions{21}));
}

TEST_F(WatcherTest, WithoutFollowersAQuietServiceIsResumedFromItsOwnLastRevision) {
  feed(catalog, {registered("quiet", "0", 1)});
  for (std::uint64_t r = 2; r <= 20; ++r) feed(catalog, {registered("loud", std::to_string(r), r)});
  feed(catalog, {registered("quiet", "1", 21)});
  Watcher later(catalog, ServiceName("quiet"), Revision{1}, [] {});
  EXPECT_EQ(revisions(later), (Revisions{21}));
}

TEST_F(WatcherTest, OfAServiceThatHasYetToComeIsWokenThen) {
  int woken = 0;
  feed(catalog, {registered("a", "1", 1)});
  Watcher watcher(catalog, ServiceName("new"), catalog.revision(), [&] { ++woken; });
  EXPECT_EQ(revisions(watcher), Revisions{});
  feed(catalog, {registered("new", "2", 2)});
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(revisions(watcher), (Revisions{2}));
}

TEST_F(WatcherTest, AReadingAgainThatFindsNothingNewIsNotNoticed) {
  int woken = 0;
  feed(catalog, {registered("a", "1", 1), registered("a", "2", 2)});
  Watcher watcher(catalog, ServiceName("a"), Revision{1}, [&] { ++woken; });
  Snapshot snapshot;
  snapshot.generation = Generation{1};
  snapshot.revision = Revision{2};
  snapshot.instances = {instance_of("a", "1", 1), instance_of("a", "2", 2)};
  catalog.reset(snapshot);
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(revisions(watcher), (Revisions{2}));  // neither lost nor repeated
  feed(catalog, {registered("a", "3", 3)});
  EXPECT_EQ(revisions(watcher), (Revisions{3}));
}

TEST_F(WatcherTest, EventsReadAgainAfterAnUnknownOutcomeComeOnce) {
  Watcher watcher(catalog, std::nullopt, Revision{0}, [] {});
  feed(catalog, {registered("a", "1", 1)});
  feed(catalog, {registered("a", "1", 1), registered("a", "2", 2)});
  EXPECT_EQ(revisions(watcher), (Revisions{1, 2}));
}

TEST_F(WatcherTest, AGapInTheSameLogIsMarkedForWhoeverItConcerns) {
  feed(catalog, {registered("a", "1", 1)});
  int woken = 0;
  Watcher behind(catalog, std::nullopt, Revision{1}, [&] { ++woken; });
  Watcher behind_on_a(catalog, ServiceName("a"), Revision{1}, [&] { ++woken; });
  Watcher ahead(catalog, std::nullopt, Revision{5}, [&] { ++woken; });
  reset(catalog, 1, 5);
  EXPECT_EQ(woken, 3);
  EXPECT_EQ(revisions(behind), compacted);
  EXPECT_EQ(revisions(behind_on_a), compacted);
  EXPECT_EQ(revisions(ahead), Revisions{});  // it had them from elsewhere
  feed(catalog, {registered("a", "9", 6)});
  EXPECT_EQ(revisions(ahead), (Revisions{6}));
  EXPECT_EQ(revisions(behind), compacted);
}

TEST_F(WatcherTest, AnotherGenerationStartsEveryoneOver) {
  feed(catalog, {registered("a", "1", 1)});
  int woken = 0;
  Watcher all(catalog, std::nullopt, Revision{1}, [&] { ++woken; });
  Watcher on_a(catalog, ServiceName("a"), Revision{50}, [&] { ++woken; });
  reset(catalog, 2, 1);
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(revisions(all), compacted);
  EXPECT_EQ(revisions(on_a), compacted);
  Watcher anew(catalog, std::nullopt, catalog.revision(), [] {});
  feed(catalog, {registered("a", "1", 2)});
  EXPECT_EQ(revisions(anew), (Revisions{2}));
  EXPECT_EQ(revisions(all), compacted);
}

TEST_F(WatcherTest, ALogThatWentBackIsAnother) {
  feed(catalog, {registered("a", "1", 5)});
  Watcher watcher(catalog, std::nullopt, Revision{5}, [] {});
  reset(catalog, 1, 3);
  EXPECT_EQ(revisions(watcher), compacted);
  EXPECT_EQ(catalog.revision(), Revision{3});
}

TEST_F(WatcherTest, TellsWhatWasThereBeforeAndHowMuchWaits) {
  Watcher watcher(catalog, std::nullopt, Revision{0}, [] {});
  EXPECT_EQ(watcher.behind(), 0U);
  feed(catalog, {registered("a", "1", 1), registered("a", "1", 2), removed("a", "1", 3)});
  EXPECT_EQ(watcher.behind(), 3U);
  const auto notices = watcher.next(3);
  ASSERT_TRUE(notices);
  ASSERT_EQ(notices->size(), 3U);
  EXPECT_EQ((*notices)[0]->before, nullptr);
  EXPECT_EQ((*notices)[1]->before, (*notices)[0]->event->instance);
  EXPECT_EQ((*notices)[2]->before, (*notices)[1]->event->instance);
  EXPECT_EQ(watcher.behind(), 0U);
}

TEST_F(WatcherTest, AnEventIsEncodedOnceForAllWatchers) {
  static std::atomic<int> encoded;
  encoded = 0;
  auto encoders = test::plain_encoders();
  encoders.event = [](const Event& event, std::string& out) {
    ++encoded;
    out += std::to_string(event.revision.value);
  };
  Catalog counting(encoders, CatalogLimits{});
  Snapshot snapshot;
  snapshot.generation = Generation{1};
  counting.reset(snapshot);
  Watcher first(counting, std::nullopt, Revision{0}, [] {});
  Watcher second(counting, ServiceName("a"), Revision{0}, [] {});
  feed(counting, {registered("a", "1", 7)});
  EXPECT_EQ(encoded, 0) << "nobody has asked";
  EXPECT_EQ(first.next(1)->front()->json(), "7");
  EXPECT_EQ(second.next(1)->front()->json(), "7");
  EXPECT_EQ(encoded, 1);
}

}  // namespace
}  // namespace rollcall
