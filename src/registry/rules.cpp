#include "registry/rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/validate.hpp"

namespace rollcall {
namespace {

/// Everything a rule may look at.
struct Case {
  const std::optional<Known>& known;
  WallTime now;
  const Limits& limits;

  [[nodiscard]] const Instance* living() const { return known && !known->removed ? known->instance.get() : nullptr; }
  [[nodiscard]] const Instance* tombstone() const {
    if (!known || !known->removed) return nullptr;
    return now - known->removed_at < limits.registry.tombstone_life ? known->instance.get() : nullptr;
  }
};

std::unexpected<Error> no_such_instance() {
  return fail(ErrorCode::not_found, "no instance with this id: register anew", "id");
}

std::unexpected<Error> session_has_ended() {
  return fail(ErrorCode::conflict, "this session of the instance has ended: register with a new session", "session");
}

/// What people and checks may alter: instances, not what an orchestrator declares.
const Instance* living_instance(const Case& c) {
  const auto* living = c.living();
  return living != nullptr && !living->spec.declares ? living : nullptr;
}

Decision unchanged(const Case& c) { return {.change = std::nullopt, .unchanged = c.known->instance}; }

Decision change_to(const Case& c, EventKind kind, Instance after, Cause cause) {
  return {.change = Change{kind, std::move(after), std::move(cause), c.now}, .unchanged = nullptr};
}

bool is_retired(const Instance& instance, const Session& session, const Case& c) {
  return std::ranges::any_of(instance.retired, [&](const RetiredSession& retired) {
    return retired.session == session && c.now - retired.at < c.limits.registry.tombstone_life;
  });
}

/// The sessions of `before` whose delayed requests a new incarnation must refuse.
std::vector<RetiredSession> retire(const Instance& before, WallTime at, const Case& c) {
  std::vector<RetiredSession> retired;
  for (const auto& earlier : before.retired) {
    if (c.now - earlier.at < c.limits.registry.tombstone_life) retired.push_back(earlier);
  }
  if (!before.session.empty()) retired.push_back({before.session, at});
  const auto most = c.limits.model.retired_sessions;
  if (retired.size() > most) retired.erase(retired.begin(), retired.end() - static_cast<std::ptrdiff_t>(most));
  return retired;
}

void set_health(Instance& instance, Status health, std::string_view reason, const Case& c) {
  if (instance.health != health || instance.lapsed) instance.status_since = c.now;
  instance.health = health;
  instance.lapsed = false;
  instance.status_reason = health == Status::passing ? std::string() : std::string(reason);
}

/// A new life of the id: the first, or after another. Keeps what outlives an incarnation.
Decision incarnate(const Case& c, InstanceId id, const InstanceSpec& spec, Session session, Source source,
                   Cause cause) {
  Instance instance;
  instance.id = std::move(id);
  instance.spec = spec;
  instance.session = std::move(session);
  instance.source = source;
  instance.status_since = c.now;
  instance.registered_at = c.now;
  if (c.known) {
    const Instance& before = *c.known->instance;
    instance.number = before.number;
    instance.modified = before.modified;
    instance.incarnation = Incarnation{before.incarnation.value + 1};
    instance.retired = retire(before, c.known->removed ? c.known->removed_at : c.now, c);
    if (!c.known->removed) instance.maintenance = before.maintenance;
  }
  auto decision = change_to(c, EventKind::registered, std::move(instance), std::move(cause));
  decision.created = true;
  return decision;
}

Result<void> check_owner(const Instance& living, const ServiceName& service, Source source) {
  if (living.spec.service != service) {
    return fail(ErrorCode::conflict, fmt::format("this id belongs to service \"{}\"", living.spec.service.view()),
                "id");
  }
  if (living.source != source) {
    return fail(ErrorCode::conflict, fmt::format("this id belongs to source \"{}\"", name_of(living.source)), "id");
  }
  return {};
}

/// A heartbeat mends what silence broke.
Decision revive(const Case& c) {
  Instance after = *c.living();
  set_health(after, Status::passing, {}, c);
  return change_to(c, EventKind::status_changed, std::move(after), {"lease", "heartbeat again"});
}

Result<Decision> rule(const Register& wanted, const Case& c) {
  if (auto ok = validate(wanted.spec, c.limits.model); !ok) return std::unexpected(ok.error());
  const Cause cause{std::string(name_of(wanted.source)), "registered"};
  if (const auto* dead = c.tombstone(); dead != nullptr && !wanted.session.empty()) {
    if (dead->session == wanted.session || is_retired(*dead, wanted.session, c)) return session_has_ended();
  }
  const auto* living = c.living();
  if (living == nullptr) return incarnate(c, *wanted.id, wanted.spec, wanted.session, wanted.source, cause);

  if (auto ok = check_owner(*living, wanted.spec.service, wanted.source); !ok) return std::unexpected(ok.error());
  if (living->session != wanted.session) {
    if (!wanted.session.empty() && is_retired(*living, wanted.session, c)) return session_has_ended();
    return incarnate(c, *wanted.id, wanted.spec, wanted.session, wanted.source, {cause.writer, "new session"});
  }
  const bool same_spec = living->spec == wanted.spec;
  if (same_spec && (living->lapsed || !wanted.by_event)) return living->lapsed ? revive(c) : unchanged(c);
  Instance after = *living;
  after.spec = wanted.spec;
  if (after.lapsed) set_health(after, Status::passing, {}, c);
  return change_to(c, EventKind::updated, std::move(after),
                   {cause.writer, same_spec ? "registered again after its ttl" : "registered otherwise"});
}

Result<Decision> rule(const Deregister& wanted, const Case& c) {
  const auto* living = c.living();
  if (living == nullptr) return no_such_instance();
  if (living->source != wanted.source) {
    return fail(ErrorCode::conflict, fmt::format("this id belongs to source \"{}\"", name_of(living->source)), "id");
  }
  if (!wanted.session.empty() && living->session != wanted.session) return session_has_ended();
  return change_to(c, EventKind::removed, *living, wanted.cause);
}

Result<Decision> rule(const SetMaintenance& wanted, const Case& c) {
  const auto* living = living_instance(c);
  if (living == nullptr) return no_such_instance();
  const auto reason = wanted.on ? Rare(wanted.reason) : Rare<std::string>();
  if (living->maintenance == reason) return unchanged(c);
  Instance after = *living;
  if (living->maintenance.has_value() != wanted.on) after.status_since = c.now;
  after.maintenance = reason;
  return change_to(c, EventKind::status_changed, std::move(after),
                   {"operator", wanted.on ? "maintenance: " + wanted.reason : "maintenance ended"});
}

Result<Decision> rule(const SetHealth& wanted, const Case& c) {
  const auto* living = living_instance(c);
  if (living == nullptr) return no_such_instance();
  if (living->lapsed || living->health == wanted.health) return unchanged(c);
  Instance after = *living;
  set_health(after, wanted.health, wanted.cause.evidence, c);
  return change_to(c, EventKind::status_changed, std::move(after), wanted.cause);
}

Result<Decision> rule(const Observe& seen, const Case& c) {
  if (auto ok = validate(seen.spec, c.limits.model); !ok) return std::unexpected(ok.error());
  const auto* living = c.living();
  if (living == nullptr) {
    auto decision = incarnate(c, seen.id, seen.spec, {}, seen.source, seen.cause);
    set_health(decision.change->instance, seen.health, seen.cause.evidence, c);
    return decision;
  }
  if (auto ok = check_owner(*living, seen.spec.service, seen.source); !ok) return std::unexpected(ok.error());
  const bool same_spec = living->spec == seen.spec;
  if (same_spec && living->health == seen.health) return unchanged(c);
  Instance after = *living;
  after.spec = seen.spec;
  if (living->health != seen.health) {
    set_health(after, seen.health, seen.cause.evidence, c);
  } else if (seen.health != Status::passing) {
    after.status_reason = seen.cause.evidence;  // no longer for the reason that it once was
  }
  return change_to(c, same_spec ? EventKind::status_changed : EventKind::updated, std::move(after), seen.cause);
}

Result<Decision> rule(const Remark& remark, const Case& c) {
  const auto* living = c.living();
  if (living == nullptr || !living->spec.declares) {
    return fail(ErrorCode::not_found, "no service with this id is declared", "id");
  }
  return change_to(c, EventKind::updated, *living, {"operator", remark.text});
}

Result<Decision> rule(const Beat& beat, const Case& c) {
  const auto* living = c.living();
  if (living == nullptr || !living->spec.lease) return no_such_instance();
  if (beat.only && living->source != *beat.only) return no_such_instance();
  if (!beat.session.empty() && living->session != beat.session) return session_has_ended();
  return living->lapsed ? revive(c) : unchanged(c);
}

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Result<Decision> rule(const Expire& expired, const Case& c) {
  const auto* living = c.living();
  if (living == nullptr || !living->spec.lease) return no_such_instance();
  if (living->lapsed) return unchanged(c);
  const Cause cause{"lease", fmt::format("no heartbeat for {:.1f} s", in_seconds(expired.silence))};
  Instance after = *living;
  set_health(after, Status::critical, cause.evidence, c);
  after.lapsed = true;
  const bool at_once = living->spec.lease->deregister_after == std::chrono::milliseconds{0};
  return change_to(c, at_once ? EventKind::removed : EventKind::status_changed, std::move(after), cause);
}

Result<Decision> rule(const Bury& buried, const Case& c) {
  (void)buried;
  const auto* living = c.living();
  if (living == nullptr || !living->lapsed || !living->spec.lease) return no_such_instance();
  const Cause cause{"lease", fmt::format("critical for {:.1f} s without a heartbeat",
                                         in_seconds(living->spec.lease->deregister_after))};
  return change_to(c, EventKind::removed, *living, cause);
}

}  // namespace

const InstanceId& id_of(const Request& request) {
  return std::visit(
      [](const auto& wanted) -> const InstanceId& {
        if constexpr (std::is_same_v<std::decay_t<decltype(wanted)>, Register>) {
          return *wanted.id;
        } else {
          return wanted.id;
        }
      },
      request);
}

Result<Decision> decide(const Request& request, const std::optional<Known>& known, WallTime now, const Limits& limits) {
  const Case c{known, now, limits};
  return std::visit([&c](const auto& wanted) { return rule(wanted, c); }, request);
}

}  // namespace rollcall
