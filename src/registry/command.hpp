#pragma once
// What writers want of the registry.
#include <optional>
#include <string>
#include <variant>

#include "model/event.hpp"

namespace rollcall {

/// A client registers, renews or updates an instance. Without an id, a new one is made up.
struct Register {
  std::optional<InstanceId> id;
  InstanceSpec spec;
  Session session;
  Source source = Source::api;
  /// Even if nothing changes an event is made: the lease may have been judged, and the log tells which came first.
  bool by_event = false;
};

/// Removes an instance. A session, if given, must be the living one.
struct Deregister {
  InstanceId id;
  Session session;
  Source source = Source::api;
  Cause cause;
};

struct SetMaintenance {
  InstanceId id;
  bool on = true;
  std::string reason;
};

/// A check that runs for a registered instance says how it is.
struct SetHealth {
  InstanceId id;
  Status health = Status::passing;
  Cause cause;
};

/// A provider says what it sees: registers, updates or changes health, whichever is needed.
struct Observe {
  InstanceId id;
  InstanceSpec spec;
  Status health = Status::passing;
  Source source = Source::probe;
  Cause cause;
};

/// Somebody says why of a declared service: an event that changes nothing else.
struct Remark {
  InstanceId id;  ///< of the record that declares it
  std::string text;
};

/// A heartbeat that met a lease which isn't simply alive: answered after the commit that decides it.
struct Beat {
  InstanceId id;
  Session session;
  std::optional<Source> only{};  ///< instances of other sources are unknown
};

using Command = std::variant<Register, Deregister, SetMaintenance, SetHealth, Observe, Remark, Beat>;

/// What came of a command: durable, and applied on this node.
struct Outcome {
  Revision revision;     ///< of the event, or of the instance where nothing had to change
  InstancePtr instance;  ///< after it; for a removal, the last state
  bool created = false;  ///< a new id or a new incarnation
  bool changed = false;  ///< an event was made
};

}  // namespace rollcall
