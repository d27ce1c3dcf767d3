// What a change, a read and a start cost in the catalog. See docs/decisions/0003-catalog-views.md.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "catalog/catalog.hpp"
#include "catalog/encoded_list.hpp"
#include "codec/json.hpp"

namespace {

using namespace rollcall;

Encoders encoders() {
  return {.instance = [](const Instance& i, std::string& out) { codec::append_instance(out, i); },
          .service = [](const Service& s, std::string& out) { codec::append_service_members(out, s); }};
}

/// As a client registers it: 36-byte id, a session, two tags, two metadata entries.
std::shared_ptr<Instance> make_instance(SystemRandom& random, const std::string& service) {
  auto instance = std::make_shared<Instance>();
  instance->id = InstanceId(make_uuid(random));
  instance->session = Session("s-1234567");
  instance->spec.service = ServiceName(service);
  instance->spec.address = "10.20.30.40";
  instance->spec.port = 8042;
  instance->spec.lease = LeaseTerms{};
  instance->registered_at = instance->status_since = WallTime(std::chrono::milliseconds(1'700'000'000'000));
  return instance;
}

Snapshot make_snapshot(std::size_t instances, std::size_t services, bool with_details = true) {
  SystemRandom random;
  Snapshot snapshot;
  snapshot.generation = Generation{1};
  snapshot.instances.reserve(instances);
  for (std::size_t i = 0; i < instances; ++i) {
    auto instance = make_instance(random, "service-" + std::to_string(i % services));
    if (with_details) {
      instance->spec.tags = {"eu-west", "v1.2.3"};
      instance->spec.metadata = {{"aet", "ORTHANC"}, {"zone", "room 12"}};
    }
    instance->created = instance->modified = Revision{i + 1};
    snapshot.instances.push_back(std::move(instance));
  }
  snapshot.revision = Revision{instances};
  return snapshot;
}

/// One change of status in one of `range(1)` services of `range(0)` instances, and the read after it. Many small ones
/// take as much memory as one large one, so that what differs is the service's size and not what the caches hold.
void change_and_read(benchmark::State& state) {
  // A short ring is soon full: what follows frees as much memory as it takes.
  Catalog catalog(encoders(), CatalogLimits{.recent_events = 1'024});
  const auto services = static_cast<std::size_t>(state.range(1));
  const auto snapshot = make_snapshot(static_cast<std::size_t>(state.range(0)) * services, services);
  catalog.reset(snapshot);
  CatalogReader reader(catalog);
  SystemRandom random;
  auto revision = snapshot.revision.value;
  for (auto _ : state) {
    state.PauseTiming();
    const auto& old = snapshot.instances[random.next() % snapshot.instances.size()];
    auto instance = std::make_shared<Instance>(*old);
    instance->health = Status::critical;
    instance->status_reason = "no heartbeat for 30.2 s";
    instance->modified = Revision{++revision};
    auto event = std::make_shared<Event>();
    event->revision = instance->modified;
    event->kind = EventKind::status_changed;
    event->instance = std::move(instance);
    const EventPtr shared = std::move(event);
    state.ResumeTiming();
    catalog.apply({&shared, 1});
    benchmark::DoNotOptimize(reader.find(shared->instance->spec.service.view())->entry_json.data());
  }
}
BENCHMARK(change_and_read)->Args({100, 1})->Args({100, 1'000})->Args({10'000, 10})->Args({100'000, 1});

/// The list alone: one piece of 350 bytes changes in 100,000, by pieces a chunk.
void change_list(benchmark::State& state) {
  const auto pieces_per_chunk = static_cast<std::uint32_t>(state.range(0));
  const auto pieces = static_cast<std::uint32_t>(state.range(1));
  const std::string json(350, 'x');
  std::string facts;
  append_facts(facts, Status::passing, Source::api, std::array<std::string, 2>{"eu-west", "v1.2.3"});
  std::vector<EncodedList::Replacement> all;
  for (std::uint32_t i = 0; i < pieces; ++i) all.push_back({.index = i, .piece = {.json = json, .facts = facts}});
  auto list = EncodedList::make(pieces_per_chunk)->edited(all);
  SystemRandom random;
  for (auto _ : state) {
    const EncodedList::Replacement edit{.index = static_cast<std::uint32_t>(random.next() % pieces),
                                        .piece = {.json = json, .facts = facts}};
    list = list->edited({&edit, 1});
  }
}
BENCHMARK(change_list)->ArgsProduct({{8, 16, 32, 64}, {100, 100'000}});

/// Every thread reads the same service, each with a reader of its own.
void read_service(benchmark::State& state) {
  static std::unique_ptr<Catalog> catalog;
  if (state.thread_index() == 0) {
    catalog = std::make_unique<Catalog>(encoders(), CatalogLimits{});
    catalog->reset(make_snapshot(100, 10));
  }
  std::unique_ptr<CatalogReader> reader;
  for (auto _ : state) {
    if (!reader) reader = std::make_unique<CatalogReader>(*catalog);
    benchmark::DoNotOptimize(reader->find("service-3").get());
  }
}
BENCHMARK(read_service)->Threads(1)->Threads(2)->Threads(4)->UseRealTime();

void reset(benchmark::State& state) {
  const auto snapshot = make_snapshot(static_cast<std::size_t>(state.range(0)), 1'000);
  for (auto _ : state) {
    Catalog catalog(encoders(), CatalogLimits{});
    catalog.reset(snapshot);
    benchmark::DoNotOptimize(catalog.revision());
  }
}
BENCHMARK(reset)->Arg(100'000)->Unit(benchmark::kMillisecond);

void decode_registration(benchmark::State& state) {
  constexpr std::string_view kBody =
      R"({"id":"0b7e5a2e-6c1e-4a40-9a3e-1f5f6b1f0a55","address":"10.20.30.40","port":8042,)"
      R"("tags":["eu-west","v1.2.3"],"metadata":{"aet":"ORTHANC","zone":"room 12"},"ttl":30,"session":"s-1234567"})";
  const ModelLimits limits;
  for (auto _ : state) {
    auto body = codec::decode_registration(kBody, ServiceName("service-0"), limits);
    benchmark::DoNotOptimize(body);
  }
}
BENCHMARK(decode_registration);

void encode_instance(benchmark::State& state) {
  const auto snapshot = make_snapshot(1, 1);
  std::string out;
  for (auto _ : state) {
    out.clear();
    codec::append_instance(out, *snapshot.instances.front());
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_instance);

std::size_t resident_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

/// Resident bytes an instance: the instance itself, its encoded form and the index. Run alone:
/// --benchmark_filter=memory
void memory(benchmark::State& state) {
  const auto instances = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    malloc_trim(0);
    const auto before = resident_bytes();
    Catalog catalog(encoders(), CatalogLimits{});
    {
      const auto snapshot = make_snapshot(instances, 1'000, state.range(1) != 0);
      state.counters["of_it_instance"] =
          static_cast<double>(resident_bytes() - before) / static_cast<double>(instances);
      catalog.reset(snapshot);
    }
    malloc_trim(0);
    state.counters["bytes"] = static_cast<double>(resident_bytes() - before) / static_cast<double>(instances);
  }
}
BENCHMARK(memory)->Args({1'000'000, 0})->Args({1'000'000, 1})->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
