// Heartbeats in memory over a million random 36-byte ids: the part of a heartbeat that grows with the registry.
#include <benchmark/benchmark.h>

#include <vector>

#include "base/random.hpp"
#include "registry/lease_clock.hpp"
#include "registry/lease_table.hpp"

namespace rollcall {
namespace {

constexpr std::size_t kLeases = 1'000'000;

struct World {
  LeaseTable table;
  LeaseClock clock;
  SystemClock system;
  std::string order;  // the ids in random order, one after the other, as they would lie in a request

  World() {
    SystemRandom random;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < kLeases; ++i) {
      ids.push_back(make_uuid(random));
      table.put(InstanceId(ids.back()), {}, {InstanceNumber{i + 1}, LeaseTerms{}}, LeaseTime{0}, false);
    }
    for (std::size_t i = kLeases - 1; i > 0; --i) std::swap(ids[i], ids[random.next() % (i + 1)]);
    for (const auto& id : ids) order += id;
    clock.start(system.now(), LeaseTime{0});
  }

  [[nodiscard]] std::string_view id(std::size_t i) const { return std::string_view(order).substr(i * 36, 36); }
};

World& world() {
  static World made;
  return made;
}

/// As Registry::heartbeat does it: the clock is read for each.
void BM_Heartbeat(benchmark::State& state) {
  World& w = world();
  std::size_t next = 0;
  for (auto _ : state) {
    const auto key = w.table.key(w.id(next));
    const auto result = w.table.beat(key, {}, w.clock.now(w.system.now()));
    if (result != BeatResult::ok) state.SkipWithError("not ok");
    if (++next == kLeases) next = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Heartbeat)->Unit(benchmark::kNanosecond);

/// As Registry::heartbeat_many does it, 64 at a time; the figure is for one of them.
void BM_HeartbeatBatch64(benchmark::State& state) {
  constexpr std::size_t kBatch = 64;
  World& w = world();
  std::vector<std::string_view> ids(kBatch);
  std::vector<BeatResult> results(kBatch);
  std::size_t next = 0;
  for (auto _ : state) {
    for (auto& id : ids) {
      id = w.id(next);
      if (++next == kLeases) next = 0;
    }
    w.table.beat_many(ids, results, w.clock.now(w.system.now()));
    benchmark::DoNotOptimize(results.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["per_beat"] = benchmark::Counter(
      static_cast<double>(kBatch), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_HeartbeatBatch64)->Unit(benchmark::kNanosecond);

}  // namespace
}  // namespace rollcall

BENCHMARK_MAIN();
