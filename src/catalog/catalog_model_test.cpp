// After any sequence of events the catalog equals a naive model of it.
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>

#include "catalog/catalog_test_kit.hpp"

namespace rollcall {
namespace {

struct Step {
  int id = 0;
  int service = 0;
  int what = 0;  ///< 0, 1: says something of the id; 2: removes it; 3: starts over; 4: forgets
  Status health = Status::passing;
  bool maintenance = false;
  bool tagged = false;
  bool ends_batch = false;
};

Step any_step() {
  return {.id = *rc::gen::inRange(0, 40),
          .service = *rc::gen::inRange(0, 4),
          .what = *rc::gen::weightedElement<int>({{20, 0}, {20, 1}, {25, 2}, {1, 3}, {2, 4}}),
          .health = static_cast<Status>(*rc::gen::inRange(0, 3)),
          .maintenance = *rc::gen::inRange(0, 4) == 0,
          .tagged = *rc::gen::arbitrary<bool>(),
          .ends_batch = *rc::gen::inRange(0, 4) == 0};
}

struct Model {
  std::map<std::string, InstancePtr> living;
  std::map<std::string, Tombstone> gone;
  std::map<std::string, std::uint64_t> last_revision;

  void apply(const Event& event) {
    const auto& id = event.instance->id.str();
    last_revision[event.instance->spec.service.str()] = event.revision.value;
    if (event.kind == EventKind::removed) {
      living.erase(id);
      gone[id] = {.instance = event.instance, .removed_at = event.at};
    } else {
      gone.erase(id);
      living[id] = event.instance;
    }
  }

  void forget(WallTime cutoff) {
    std::erase_if(gone, [&](const auto& entry) { return entry.second.removed_at < cutoff; });
    std::erase_if(last_revision, [&](const auto& entry) {
      return test::at_ms(static_cast<std::int64_t>(entry.second)) < cutoff && instances(entry.first, {}).empty();
    });
  }

  [[nodiscard]] std::multiset<std::string> instances(const std::string& service, const PieceFilter& filter) const {
    std::multiset<std::string> found;
    const Filter wanted{
        .service = ServiceName(service), .id = {}, .status = filter.status, .source = filter.source, .tag = filter.tag};
    for (const auto& [id, instance] : living) {
      if (wanted.matches(*instance)) found.insert(id + "@" + std::to_string(instance->modified.value));
    }
    return found;
  }
};

std::multiset<std::string> split(const std::string& text) {
  std::multiset<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    parts.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

EventPtr event_for(const Step& step, std::uint64_t revision, const Model& model) {
  const auto id = std::to_string(step.id);
  // An id belongs to one service while it lives.
  const auto found = model.living.find(id);
  const auto service =
      found == model.living.end() ? "s" + std::to_string(step.service) : found->second->spec.service.str();
  auto instance = std::make_shared<Instance>(
      *test::instance_of(service, id, revision,
                         {.health = step.health,
                          .source = step.tagged ? Source::probe : Source::api,
                          .tags = step.tagged ? std::vector<std::string>{"t", "u"} : std::vector<std::string>{}}));
  if (step.maintenance) instance->maintenance = std::string("m");
  const auto kind = step.what == 2                ? EventKind::removed
                    : found == model.living.end() ? EventKind::registered
                    : step.what == 1              ? EventKind::status_changed
                                                  : EventKind::updated;
  return test::event_of(kind, instance);
}

Snapshot snapshot_of(const Model& model, std::uint64_t revision) {
  Snapshot snapshot;
  snapshot.generation = Generation{1};
  snapshot.revision = Revision{revision};
  for (const auto& [id, instance] : model.living) snapshot.instances.push_back(instance);
  for (const auto& [id, tombstone] : model.gone) snapshot.tombstones.push_back(tombstone);
  return snapshot;
}

void require_service(CatalogReader& reader, const Model& model, const std::string& service) {
  const auto all = model.instances(service, {});
  const auto view = reader.find(service);
  RC_ASSERT((view != nullptr) == !all.empty());
  const auto last = model.last_revision.find(service);
  RC_ASSERT(reader.last_revision(service).value == (last == model.last_revision.end() ? 0 : last->second));
  if (!view) return;
  RC_ASSERT(split(test::text_of(*view->instances)) == all);
  RC_ASSERT(view->service.revision.value == last->second);
  for (const auto status : {Status::passing, Status::warning, Status::critical, Status::maintenance}) {
    const PieceFilter filter{.status = status, .source = {}, .tag = {}};
    std::string json;
    view->instances->append_matching(filter, json);
    RC_ASSERT(split(json) == model.instances(service, filter));
  }
  const PieceFilter tagged{.status = {}, .source = Source::probe, .tag = "u"};
  std::string json;
  RC_ASSERT(view->instances->append_matching(tagged, json) == model.instances(service, tagged).size());
  const auto counts = view->service.counts;
  RC_ASSERT(counts.total() == all.size());
  RC_ASSERT(counts.maintenance ==
            model.instances(service, {.status = Status::maintenance, .source = {}, .tag = {}}).size());
}

void require_equal(const Catalog& catalog, CatalogReader& reader, const Model& model, std::uint64_t revision) {
  RC_ASSERT(catalog.revision().value == revision);
  std::multiset<std::string> directory;
  for (int i = 0; i < 4; ++i) {
    const auto service = "s" + std::to_string(i);
    require_service(reader, model, service);
    const auto count = model.instances(service, {}).size();
    if (count > 0) directory.insert("{" + service + "=" + std::to_string(count) + "}");
  }
  RC_ASSERT(split(test::text_of(*reader.directory()->entries)) == directory);
  RC_ASSERT(reader.directory()->instances == model.living.size());
  RC_ASSERT(reader.directory()->services == directory.size());
  for (int i = 0; i < 40; ++i) {
    const auto id = std::to_string(i);
    const auto living = model.living.find(id);
    const auto gone = model.gone.find(id);
    RC_ASSERT(catalog.find_instance(id) == (living == model.living.end() ? nullptr : living->second));
    const auto known = catalog.known(id);
    RC_ASSERT(known.has_value() == (living != model.living.end() || gone != model.gone.end()));
    if (gone != model.gone.end()) RC_ASSERT(known->removed && known->instance == gone->second.instance);
  }
}

TEST(CatalogModel, EqualsANaiveModelAfterAnySequenceOfEvents) {
  EXPECT_TRUE(rc::check([] {
    Catalog catalog(test::plain_encoders(), CatalogLimits{.recent_events = 16});
    CatalogReader reader(catalog);
    Model model;
    catalog.reset(snapshot_of(model, 0));
    std::vector<EventPtr> batch;
    std::uint64_t revision = 0;
    const auto flush = [&] {
      catalog.apply(batch);
      batch.clear();
    };
    for (int n = *rc::gen::inRange(0, 400); n > 0; --n) {
      const auto step = any_step();
      if (step.what == 3) {
        flush();
        catalog.reset(snapshot_of(model, revision));
      } else if (step.what == 4) {
        flush();
        const auto cutoff = test::at_ms(static_cast<std::int64_t>(revision) - 30);
        catalog.forget_tombstones(cutoff);
        model.forget(cutoff);
      } else {
        batch.push_back(event_for(step, ++revision, model));
        model.apply(*batch.back());
      }
      if (!step.ends_batch) continue;
      flush();
      if (step.id == 0) require_equal(catalog, reader, model, revision);
    }
    flush();
    require_equal(catalog, reader, model, revision);
  }));
}

TEST(CatalogModel, AWatcherMissesNothingUnmarked) {
  EXPECT_TRUE(rc::check([] {
    Catalog catalog(test::plain_encoders(), CatalogLimits{.recent_events = 8});
    Model model;
    catalog.reset(snapshot_of(model, 0));
    std::vector<EventPtr> log;
    Watcher all(catalog, std::nullopt, Revision{0}, [] {});
    auto on_s0 = std::make_unique<Watcher>(catalog, ServiceName("s0"), Revision{0}, [] {});
    Revision all_after;
    Revision s0_after;
    const auto next_of = [&](Watcher& watcher, Revision& after, bool of_s0) {
      const auto events = watcher.next(3);
      std::vector<EventPtr> missing;
      for (const auto& event : log) {
        if (event->revision > after && (!of_s0 || event->instance->spec.service == ServiceName("s0"))) {
          missing.push_back(event);
        }
      }
      if (!events) return false;
      missing.resize(std::min<std::size_t>(missing.size(), 3));
      RC_ASSERT(std::ranges::equal(*events, missing, {}, &Notice::event));
      if (!events->empty()) after = events->back()->event->revision;
      return true;
    };
    for (int n = *rc::gen::inRange(0, 200); n > 0; --n) {
      const auto step = any_step();
      log.push_back(event_for(step, log.size() + 1, model));
      model.apply(*log.back());
      catalog.apply({&log.back(), 1});
      if (!step.ends_batch) continue;
      static_cast<void>(next_of(all, all_after, false));
      if (!next_of(*on_s0, s0_after, true) || step.maintenance) {
        // Starts over, or resumes where it was with another watcher.
        if (!step.maintenance) s0_after = Revision{log.size()};
        on_s0 = std::make_unique<Watcher>(catalog, ServiceName("s0"), s0_after, [] {});
      }
    }
  }));
}

}  // namespace
}  // namespace rollcall
