#include "catalog/catalog.hpp"

#include "catalog/catalog_test_kit.hpp"

namespace rollcall {
namespace {

using test::at_ms;
using test::event_of;
using test::feed;
using test::instance_of;
using test::registered;
using test::removed;
using test::text_of;

class CatalogTest : public ::testing::Test {
 protected:
  std::string instances(std::string_view service) {
    const auto view = reader.find(service);
    return view ? text_of(*view->instances) : "none";
  }
  std::string directory() { return text_of(*reader.directory()->entries); }

  Catalog catalog{test::plain_encoders(), CatalogLimits{}};
  CatalogReader reader{catalog};
};

TEST_F(CatalogTest, StartsEmpty) {
  EXPECT_EQ(catalog.revision(), Revision{});
  EXPECT_EQ(reader.find("a"), nullptr);
  EXPECT_EQ(reader.directory()->services, 0U);
  EXPECT_EQ(reader.last_revision("a"), Revision{});
  EXPECT_EQ(catalog.find_instance("x"), nullptr);
  EXPECT_FALSE(catalog.known("x"));
}

TEST_F(CatalogTest, ShowsWhatEventsMade) {
  EXPECT_EQ(reader.find("a"), nullptr);
  feed(catalog, {registered("a", "1", 1), registered("a", "2", 2), registered("b", "3", 3)});
  EXPECT_EQ(instances("a"), "1@1,2@2");
  EXPECT_EQ(instances("b"), "3@3");
  EXPECT_EQ(directory(), "{a=2},{b=1}");
  EXPECT_EQ(reader.directory()->instances, 3U);
  EXPECT_EQ(reader.directory()->revision, Revision{3});
  EXPECT_EQ(reader.last_revision("a"), Revision{2});
  EXPECT_EQ(catalog.find_instance("2")->modified, Revision{2});

  const auto held = reader.find("a");
  feed(catalog, {test::event_of(EventKind::status_changed, instance_of("a", "1", 4, {.health = Status::critical}))});
  EXPECT_EQ(instances("a"), "1@4,2@2");
  EXPECT_EQ(reader.find("a")->service.counts, (StatusCounts{.passing = 1, .critical = 1}));
  EXPECT_EQ(reader.find("a")->service.revision, Revision{4});
  EXPECT_EQ(text_of(*held->instances), "1@1,2@2");  // a view that is held doesn't change
  EXPECT_EQ(held->entry_json, "a=2");
}

TEST_F(CatalogTest, AReaderThatChangedNothingGetsTheSameView) {
  feed(catalog, {registered("a", "1", 1), registered("b", "2", 2)});
  const auto before = reader.find("a");
  feed(catalog, {registered("b", "3", 3)});
  EXPECT_EQ(reader.find("a"), before);
  EXPECT_NE(reader.find("b"), nullptr);
}

TEST_F(CatalogTest, RemovesAndRemembers) {
  feed(catalog, {registered("a", "1", 1), registered("a", "2", 2), removed("a", "1", 3)});
  EXPECT_EQ(instances("a"), "2@2");
  EXPECT_EQ(catalog.find_instance("1"), nullptr);
  const auto gone = catalog.known("1");
  ASSERT_TRUE(gone);
  EXPECT_TRUE(gone->removed);
  EXPECT_EQ(gone->removed_at, at_ms(3));
  EXPECT_EQ(gone->instance->modified, Revision{3});
  EXPECT_FALSE(catalog.known("2")->removed);
}

TEST_F(CatalogTest, ARegistrationAnewKeepsItsNumberAndLeavesNoTombstone) {
  auto first = std::make_shared<Instance>(*instance_of("a", "1", 1));
  first->number = InstanceNumber{7};
  auto last = std::make_shared<Instance>(*first);
  last->modified = Revision{2};
  feed(catalog, {test::event_of(EventKind::registered, first), test::event_of(EventKind::removed, last)});
  EXPECT_EQ(catalog.known("1")->instance->number, InstanceNumber{7});

  feed(catalog, {registered("b", "1", 3)});
  EXPECT_FALSE(catalog.known("1")->removed);
  catalog.forget_tombstones(at_ms(1000));
  EXPECT_EQ(catalog.find_instance("1")->spec.service, ServiceName("b"));
  EXPECT_EQ(instances("a"), "none");
  EXPECT_EQ(instances("b"), "1@3");
}

TEST_F(CatalogTest, AServiceWithoutInstancesIsGoneButItsRevisionIsRemembered) {
  feed(catalog, {registered("a", "1", 1), registered("b", "2", 2)});
  EXPECT_NE(reader.find("a"), nullptr);
  feed(catalog, {removed("a", "1", 3)});
  EXPECT_EQ(reader.find("a"), nullptr);
  EXPECT_EQ(directory(), "{b=1}");
  EXPECT_EQ(reader.directory()->services, 1U);
  EXPECT_EQ(reader.last_revision("a"), Revision{3});

  catalog.forget_tombstones(at_ms(3));  // removed at 3: not before 3
  EXPECT_EQ(reader.last_revision("a"), Revision{3});
  EXPECT_TRUE(catalog.known("1"));
  catalog.forget_tombstones(at_ms(4));
  EXPECT_EQ(reader.last_revision("a"), Revision{});
  EXPECT_FALSE(catalog.known("1"));

  feed(catalog, {registered("a", "1", 5)});
  EXPECT_EQ(instances("a"), "1@5");
  EXPECT_EQ(directory(), "{b=1},{a=1}");
  EXPECT_EQ(reader.find("a")->service.created_at, at_ms(5));
}

TEST_F(CatalogTest, AServiceMayEmptyAndFillWithinOneCall) {
  feed(catalog, {registered("a", "1", 1)});
  feed(catalog, {removed("a", "1", 2), registered("a", "2", 3), removed("a", "2", 4), registered("a", "3", 5)});
  EXPECT_EQ(instances("a"), "3@5");
  EXPECT_EQ(reader.find("a")->service.counts.total(), 1U);
  EXPECT_EQ(reader.find("a")->service.created_at, at_ms(1));
}

TEST_F(CatalogTest, EventsAlreadyAppliedAreSteppedOver) {
  feed(catalog, {registered("a", "1", 1), registered("a", "2", 2)});
  feed(catalog, {registered("a", "1", 1), registered("a", "2", 2), registered("a", "3", 3)});
  EXPECT_EQ(instances("a"), "1@1,2@2,3@3");
  EXPECT_EQ(reader.find("a")->service.counts.total(), 3U);
}

TEST_F(CatalogTest, TheDirectoryKeepsTheOrderOfFirstRegistration) {
  std::vector<EventPtr> events;
  std::uint64_t revision = 0;
  const auto name = [](int i) { return "s" + std::to_string(i); };
  for (int i = 0; i < 300; ++i) events.push_back(registered(name(i), name(i), ++revision));
  feed(catalog, events);
  for (int i = 0; i < 300; ++i) {
    if (i % 100 != 50) feed(catalog, {removed(name(i), name(i), ++revision)});
  }
  feed(catalog, {registered("s0", "x", ++revision)});
  EXPECT_EQ(directory(), "{s50=1},{s150=1},{s250=1},{s0=1}");
  EXPECT_EQ(reader.directory()->services, 4U);
  EXPECT_EQ(reader.directory()->instances, 4U);
  feed(catalog, {registered("s150", "y", ++revision), removed("s50", "s50", ++revision)});
  EXPECT_EQ(directory(), "{s150=2},{s250=1},{s0=1}");
}

TEST_F(CatalogTest, ResetShowsTheSnapshotAndNothingElse) {
  feed(catalog, {registered("old", "0", 1), registered("b", "1", 2)});
  EXPECT_NE(reader.find("old"), nullptr);
  Snapshot snapshot;
  snapshot.generation = Generation{9};
  snapshot.revision = Revision{20};
  snapshot.instances = {instance_of("b", "3", 12), instance_of("a", "2", 11), instance_of("b", "4", 13)};
  snapshot.tombstones = {{.instance = instance_of("c", "5", 15), .removed_at = at_ms(15)},
                         {.instance = instance_of("a", "6", 14), .removed_at = at_ms(14)}};
  catalog.reset(snapshot);
  EXPECT_EQ(catalog.revision(), Revision{20});
  EXPECT_EQ(catalog.generation(), Generation{9});
  EXPECT_EQ(directory(), "{a=1},{b=2}");
  EXPECT_EQ(instances("b"), "3@12,4@13");
  EXPECT_EQ(reader.find("old"), nullptr);
  EXPECT_EQ(reader.last_revision("old"), Revision{});  // it belonged to another log
  EXPECT_EQ(reader.last_revision("a"), Revision{14});
  EXPECT_EQ(reader.last_revision("c"), Revision{15});
  EXPECT_EQ(catalog.find_instance("1"), nullptr);
  EXPECT_TRUE(catalog.known("5")->removed);
  std::size_t seen = 0;
  catalog.for_each([&](const InstancePtr&) { ++seen; });
  EXPECT_EQ(seen, 3U);

  catalog.forget_tombstones(at_ms(15));
  EXPECT_FALSE(catalog.known("6"));
  EXPECT_TRUE(catalog.known("5"));
  EXPECT_EQ(reader.last_revision("c"), Revision{15});
}

InstancePtr declaration_of(std::string_view service, std::string_view id, std::uint64_t revision,
                           std::uint32_t replicas) {
  auto record = std::make_shared<Instance>(*instance_of(service, id, revision, {.source = Source::swarm}));
  record->spec.declares.emplace().replicas = replicas;
  return record;
}

TEST_F(CatalogTest, ADeclaredServiceIsThereWithoutInstances) {
  feed(catalog, {event_of(EventKind::registered, declaration_of("web", "decl", 1, 3))});
  ASSERT_NE(reader.find("web"), nullptr);
  EXPECT_EQ(reader.find("web")->service.declaration->replicas, 3U);
  EXPECT_EQ(reader.find("web")->service.counts.total(), 0U);
  EXPECT_EQ(instances("web"), "");
  EXPECT_EQ(reader.directory()->instances, 0U);

  feed(catalog, {registered("web", "task", 2), event_of(EventKind::updated, declaration_of("web", "decl", 3, 5))});
  EXPECT_EQ(instances("web"), "task@2");
  EXPECT_EQ(reader.find("web")->service.revision, Revision{3});
  EXPECT_EQ(reader.find("web")->service.declaration->replicas, 5U);

  feed(catalog, {removed("web", "task", 4), event_of(EventKind::removed, declaration_of("web", "decl", 5, 5))});
  EXPECT_EQ(reader.find("web"), nullptr);
  EXPECT_TRUE(catalog.known("decl")->removed);
}

TEST_F(CatalogTest, OfSeveralDeclarationsTheNewestCounts) {
  feed(catalog, {event_of(EventKind::registered, declaration_of("web", "old", 1, 1)),
                 event_of(EventKind::registered, declaration_of("web", "new", 2, 2)),
                 event_of(EventKind::removed, declaration_of("web", "old", 3, 1))});
  EXPECT_EQ(reader.find("web")->service.declaration->replicas, 2U);
  feed(catalog, {registered("web", "task", 4), event_of(EventKind::removed, declaration_of("web", "new", 5, 2))});
  EXPECT_FALSE(reader.find("web")->service.declaration);
}

TEST_F(CatalogTest, ResetBringsDeclarationsBack) {
  Snapshot snapshot;
  snapshot.revision = Revision{9};
  snapshot.instances = {declaration_of("web", "new", 9, 2), declaration_of("web", "old", 8, 1),
                        instance_of("web", "task", 7)};
  catalog.reset(snapshot);
  EXPECT_EQ(reader.find("web")->service.declaration->replicas, 2U);
  EXPECT_EQ(instances("web"), "task@7");
  catalog.reset({.generation = {}, .revision = Revision{10}, .instances = {}, .tombstones = {}});
  EXPECT_EQ(reader.find("web"), nullptr);
}

TEST_F(CatalogTest, WithinOneLogARevisionNeverFalls) {
  Snapshot empty;
  empty.generation = Generation{1};
  catalog.reset(empty);
  feed(catalog, {registered("a", "1", 5), registered("a", "2", 6), removed("a", "2", 7), registered("b", "3", 8),
                 removed("b", "3", 9)});
  Snapshot again;  // its tombstones are forgotten already
  again.generation = Generation{1};
  again.revision = Revision{10};
  again.instances = {instance_of("a", "1", 5)};
  catalog.reset(again);
  EXPECT_EQ(reader.last_revision("a"), Revision{7});
  EXPECT_EQ(reader.find("a")->service.revision, Revision{7});
  EXPECT_EQ(reader.last_revision("b"), Revision{9});
  EXPECT_EQ(reader.find("b"), nullptr);
}

TEST_F(CatalogTest, AReaderKeepsNothingOfServicesThatComeAndGo) {
  std::uint64_t revision = 0;
  std::weak_ptr<const EncodedList> last_list;
  for (int i = 0; i < 50; ++i) {
    const auto name = "s" + std::to_string(i);
    EXPECT_EQ(reader.find(name), nullptr);
    feed(catalog, {registered(name, name, ++revision)});
    ASSERT_NE(reader.find(name), nullptr);
    last_list = reader.find(name)->instances;
    feed(catalog, {removed(name, name, ++revision)});
    catalog.forget_tombstones(at_ms(static_cast<std::int64_t>(revision) + 1));
    EXPECT_FALSE(last_list.expired());  // held until this thread reads again
    EXPECT_EQ(reader.find("other"), nullptr);
    EXPECT_TRUE(last_list.expired());
  }
}

TEST_F(CatalogTest, AReaderDropsStaleViewsOfWhatItNoLongerReads) {
  feed(catalog, {registered("a", "1", 1), registered("b", "2", 2)});
  const std::weak_ptr<const EncodedList> old = reader.find("a")->instances;
  feed(catalog, {registered("a", "3", 3)});
  for (int i = 0; i < 5000; ++i) ASSERT_NE(reader.find("b"), nullptr);
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(instances("a"), "1@1,3@3");
}

TEST_F(CatalogTest, AnyNumberOfUnknownNamesMayBeAskedFor) {
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(reader.find("no" + std::to_string(i)), nullptr);
  feed(catalog, {registered("no4999", "1", 1)});
  EXPECT_EQ(instances("no4999"), "1@1");
}

}  // namespace
}  // namespace rollcall
