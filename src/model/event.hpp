#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/instance.hpp"

namespace rollcall {

enum class EventKind : std::uint8_t {
  registered,      ///< a new id, or a new incarnation of a known one
  updated,         ///< the writer says something else of it
  status_changed,  ///< health or maintenance
  removed,         ///< gone; its tombstone stays for a while
};

[[nodiscard]] std::string_view name_of(EventKind kind) noexcept;
[[nodiscard]] std::optional<EventKind> event_kind_from(std::string_view name) noexcept;

/// Why an event came to be: which writer, on what evidence. Holds no secrets.
struct Cause {
  std::string writer;    ///< "api", "lease", "probe", "check", "operator"
  std::string evidence;  ///< "no heartbeat for 30.2 s", "connect to 10.0.0.5:8042 refused"
  friend bool operator==(const Cause&, const Cause&) = default;
};

/// One step of the log. `instance` is the state after it; for `removed`, the last state.
struct Event {
  Revision revision;
  Revision previous;  ///< of this instance number's event before, 0 if none
  WallTime at;
  EventKind kind = EventKind::registered;
  Cause cause;
  InstancePtr instance;
};

using EventPtr = std::shared_ptr<const Event>;

/// Which instances or events are meant. Every field narrows; an empty one doesn't.
struct Filter {
  std::optional<ServiceName> service;
  std::optional<InstanceId> id;
  std::optional<Status> status;
  std::optional<Source> source;
  std::string tag;

  [[nodiscard]] bool matches(const Instance& instance) const;
};

}  // namespace rollcall
