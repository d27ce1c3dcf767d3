#pragma once
// Events and a catalog for tests. Encoders write just enough to tell what was encoded.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/encoded_list.hpp"

namespace rollcall::test {

inline Encoders plain_encoders() {
  return {
      .instance = [](const Instance& instance,
                     std::string& out) { out += instance.id.str() + "@" + std::to_string(instance.modified.value); },
      .service = [](const Service& service,
                    std::string& out) { out += service.name.str() + "=" + std::to_string(service.counts.total()); }};
}

inline WallTime at_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

struct Facts {
  Status health = Status::passing;
  Source source = Source::api;
  std::vector<std::string> tags = {};
};

inline InstancePtr instance_of(std::string_view service, std::string_view id, std::uint64_t revision,
                               const Facts& facts = {}) {
  auto instance = std::make_shared<Instance>();
  instance->id = InstanceId(id);
  instance->spec.service = ServiceName(service);
  instance->spec.tags = facts.tags;
  instance->source = facts.source;
  instance->health = facts.health;
  instance->registered_at = at_ms(static_cast<std::int64_t>(revision));
  instance->created = Revision{revision};
  instance->modified = Revision{revision};
  return instance;
}

/// The event that makes `instance` what it is, at the time that its revision counts.
inline EventPtr event_of(EventKind kind, InstancePtr instance) {
  auto event = std::make_shared<Event>();
  event->revision = instance->modified;
  event->at = at_ms(static_cast<std::int64_t>(instance->modified.value));
  event->kind = kind;
  event->instance = std::move(instance);
  return event;
}

inline EventPtr registered(std::string_view service, std::string_view id, std::uint64_t revision,
                           const Facts& facts = {}) {
  return event_of(EventKind::registered, instance_of(service, id, revision, facts));
}
inline EventPtr removed(std::string_view service, std::string_view id, std::uint64_t revision) {
  return event_of(EventKind::removed, instance_of(service, id, revision));
}

inline void feed(Catalog& catalog, const std::vector<EventPtr>& events) { catalog.apply(events); }

/// The list's chunks put together.
inline std::string text_of(const EncodedList& list) {
  std::string text;
  list.for_each_chunk([&](std::string_view bytes) { text += bytes; });
  return text;
}

}  // namespace rollcall::test
