// Many threads read and watch while one applies: run under TSan.
#include <atomic>
#include <set>
#include <thread>

#include "catalog/catalog_test_kit.hpp"

namespace rollcall {
namespace {

using test::registered;
using test::removed;

constexpr std::uint64_t kEvents = 4000;
constexpr int kServices = 5;

std::string name_of_service(std::uint64_t i) { return "s" + std::to_string(i % kServices); }

/// Ids 0..19 of each service come and go.
EventPtr nth_event(std::uint64_t revision, std::vector<bool>& alive) {
  const auto slot = (revision * 7) % alive.size();
  const auto id = std::to_string(slot);
  const bool was = alive[slot];
  alive[slot] = !was;
  return was ? removed(name_of_service(slot), id, revision) : registered(name_of_service(slot), id, revision);
}

void read_until(const Catalog& catalog, const std::atomic<bool>& done, std::atomic<std::uint64_t>& faults) {
  CatalogReader reader(catalog);
  std::vector<Revision> last(kServices);
  std::uint64_t i = 0;
  while (!done.load(std::memory_order_relaxed) || i < 100) {
    const auto name = name_of_service(++i);
    const auto view = reader.find(name);
    if (view) {
      if (view->service.revision < last[i % kServices]) ++faults;  // never back in time
      last[i % kServices] = view->service.revision;
      if (view->instances->size() != view->service.counts.total()) ++faults;
      if (reader.last_revision(name) < view->service.revision) ++faults;
      std::string all;
      if (view->instances->append_matching({}, all) != view->instances->size()) ++faults;
    }
    const auto directory = reader.directory();
    if (directory->entries->size() != directory->services) ++faults;
    if (const auto instance = catalog.find_instance(std::to_string(i % 100))) {
      if (instance->id != InstanceId(std::to_string(i % 100))) ++faults;
    }
    static_cast<void>(catalog.known(std::to_string(i % 100)));
    if (reader.find("unknown")) ++faults;
    std::set<std::string> seen;
    catalog.for_each([&](const InstancePtr& instance) { faults += seen.insert(instance->id.str()).second ? 0U : 1U; });
  }
}

void watch_until_last(Catalog& catalog, std::optional<ServiceName> service, std::atomic<std::uint64_t>& got) {
  std::atomic<int> signal{1};
  Watcher watcher(catalog, std::move(service), Revision{0}, [&] {
    signal.fetch_add(1);
    signal.notify_one();
  });
  Revision last;
  while (last.value < kEvents) {
    const auto before = signal.load();
    const auto events = watcher.next(16);
    if (!events) break;
    for (const auto& notice : *events) {
      if (notice->event->revision <= last) return;
      last = notice->event->revision;
      ++got;
    }
    if (events->empty()) signal.wait(before);
  }
}

TEST(CatalogThreads, ReadersAndWatchersSeeOneOrderWhileEventsAreApplied) {
  Catalog catalog(test::plain_encoders(), CatalogLimits{.recent_events = kEvents});
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> faults{0};
  std::atomic<std::uint64_t> got{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { read_until(catalog, done, faults); });
    for (int i = 0; i < 2; ++i) threads.emplace_back([&] { watch_until_last(catalog, std::nullopt, got); });

    std::vector<bool> alive(100);
    for (std::uint64_t revision = 1; revision <= kEvents;) {
      std::vector<EventPtr> batch;
      for (int i = 0; i < 7 && revision <= kEvents; ++i) batch.push_back(nth_event(revision++, alive));
      catalog.apply(batch);
      if (revision % 16 == 0) catalog.forget_tombstones(test::at_ms(static_cast<std::int64_t>(revision / 2)));
    }
    done = true;
  }
  EXPECT_EQ(faults, 0U);
  EXPECT_EQ(got, 2 * kEvents);
}

}  // namespace
}  // namespace rollcall
