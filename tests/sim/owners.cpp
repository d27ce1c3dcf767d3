#include "owners.hpp"

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRemembered = 12;
constexpr Duration kRequestTimeout = 6s;

std::chrono::milliseconds to_ms(Duration d) { return std::chrono::ceil<std::chrono::milliseconds>(d); }

}  // namespace

Owners::Owners(World& world, Desk& desk, std::deque<Node>& nodes)
    : world_(world), desk_(desk), nodes_(nodes), random_(world.random.fork("owners")) {
  const auto& config = world.config;
  for (std::size_t i = 0; i < config.owners; ++i) {
    Owner owner;
    owner.id = InstanceId(fmt::format("i{}", i));
    owner.spec.service = ServiceName(fmt::format("s{}", random_.below(config.services)));
    owner.spec.address = "127.0.0.1";
    owner.spec.port = static_cast<std::uint16_t>(8000 + i);
    owner.spec.lease = LeaseTerms{.ttl = to_ms(random_.between(config.ttl_min, config.ttl_max)),
                                  .deregister_after = std::chrono::milliseconds{0}};
    if (random_.chance(config.lasting_critical)) owner.spec.lease->deregister_after = to_ms(random_.between(0s, 6s));
    owner.reliable = random_.chance(config.reliable_owners);
    if (!owner.reliable && random_.chance(0.1)) owner.spec.lease.reset();
    owners_.push_back(std::move(owner));
  }
}

void Owners::act() {
  if (random_.chance(0.03)) return relay_beats();
  Owner& owner = owners_[random_.below(owners_.size())];
  if (!owner.wanted) return random_.chance(0.2) ? send_old(owner) : begin(owner);
  const auto choice = random_.below(100);
  if (choice < 20) return register_now(owner);
  if (choice < 40) return update(owner);
  if (choice < 52) return set_maintenance(owner);
  if (choice < 67) return send_old(owner);
  if (choice < 77) return meddle(owner);
  if (choice < 85) return change_pace(owner);
  if (choice < 93) return new_session(owner);
  if (!owner.reliable || choice == 99) deregister(owner);
}

void Owners::begin(Owner& owner) {
  owner.wanted = true;
  new_session(owner);
  change_pace(owner);
}

// A nonce, or rarely none: such a client can't be told from its earlier lives.
void Owners::new_session(Owner& owner) {
  const bool with_nonce = owner.reliable || random_.chance(0.9);
  owner.session = with_nonce ? Session(fmt::format("{}.{}", owner.id.view(), ++owner.sessions)) : Session{};
  mark_version(owner);
  register_now(owner);
}

void Owners::update(Owner& owner) {
  owner.spec.weight = static_cast<std::uint32_t>(1 + random_.below(100));
  if (!owner.reliable && owner.spec.lease && random_.chance(0.3)) {
    owner.spec.lease->ttl = to_ms(random_.between(world_.config.ttl_min, world_.config.ttl_max));
  }
  mark_version(owner);
  register_now(owner);
}

void Owners::mark_version(Owner& owner) {
  owner.spec.metadata = {{std::string(kVersionKey), fmt::format("{}v{}", owner.id.view(), ++owner.versions)}};
}

void Owners::deregister(Owner& owner) {
  owner.wanted = owner.registered = owner.steady = false;
  ++owner.life;
  const Session session = random_.chance(0.9) ? owner.session : Session{};
  send(owner, Deregister{owner.id, session, Source::api, {"api", "deregistered"}}, false, [](const auto&) {});
}

void Owners::set_maintenance(Owner& owner) {
  const bool on = random_.chance(0.5);
  if (random_.chance(0.7))
    return send(owner, SetMaintenance{owner.id, on, on ? "work" : ""}, false, [](const auto&) {});
  const auto health = random_.chance(0.5) ? Status::passing : random_.chance(0.5) ? Status::warning : Status::critical;
  send(owner, SetHealth{owner.id, health, {"check", "simulated"}}, false, [](const auto&) {});
}

// What a proxy held back, or a client's library sent twice. A reliable owner's own session is spared: an old body of
// it is an update like any other, and an old farewell isn't sent before its time.
void Owners::send_old(Owner& owner) {
  if (owner.sent.empty()) return;
  const Command command = owner.sent[random_.below(owner.sent.size())];
  send_copy(command, random_.between(0s, 2s));
}

// Others use the id as well, by mistake.
void Owners::meddle(Owner& owner) {
  InstanceSpec spec = owner.spec;
  spec.metadata = {{std::string(kVersionKey), fmt::format("{}m{}", owner.id.view(), ++owner.versions)}};
  const auto choice = random_.below(3);
  if (choice == 0) {
    spec.service = ServiceName("foreign");
    send_copy(Register{owner.id, spec, Session("meddler"), Source::api}, 0s);
  } else if (choice == 1) {
    send_copy(Deregister{owner.id, Session("meddler"), Source::api, {"api", "meddled"}}, 0s);
  } else if (owner.registered) {
    send_copy(Beat{owner.id, Session("meddler")}, 0s);
  }
}

void Owners::change_pace(Owner& owner) {
  owner.thread = random_.below(world_.config.io_threads);
  if (has_choice()) owner.home = random_.below(nodes_.size());
  if (owner.reliable) return;
  const double paces[] = {0.3, 0.6, 0.9, 1.2, 0};
  owner.pace = paces[random_.below(std::size(paces))];
  ++owner.life;
  if (owner.pace > 0) schedule_beat(owner, beat_interval(owner));
}

// Something that knows some of the ids beats for all of them at once, whoever is there.
void Owners::relay_beats() {
  std::vector<InstanceId> ids;
  const auto first = random_.below(owners_.size());
  const auto many = 1 + random_.below(2 * owners_.size());
  for (std::size_t i = 0; i < many; ++i) ids.push_back(owners_[(first + i) % owners_.size()].id);
  sent_ += many;
  Node& node = any_node();
  desk_.deliver_beats(node, random_.below(world_.config.io_threads), std::move(ids));
}

void Owners::register_now(Owner& owner) {
  owner.wanted = true;
  const auto request = owner.request = ++last_request_;
  const Register command{owner.id, owner.spec, owner.session, Source::api};
  const Asked asked{world_.now(), times_excused_};
  send(owner, command, owner.reliable, [this, &owner, request, asked](const Result<Outcome>& result) {
    if (owner.request == request && owner.wanted) registration_answered(owner, asked, result);
  });
  world_.scheduler.after(kRequestTimeout, [this, &owner, request] {
    if (owner.request == request && owner.wanted) register_now(owner);
  });
}

void Owners::registration_answered(Owner& owner, const Asked& asked, const Result<Outcome>& result) {
  owner.request = 0;
  if (!result) {
    if (world_.quiet && !owner.reliable) return;
    if (result.error().code == ErrorCode::conflict) {
      owner.steady = false;
      return new_session(owner);
    }
    return retry_later(owner, random_.between(100ms, 1s));
  }
  owner.registered = true;
  if (owner.reliable && !owner.steady) {
    owner.steady = is_steady_after(owner, asked, *result);
    ++owner.life;
    schedule_beat(owner, beat_interval(owner));
  }
}

// An event counts as heard of when it is applied; what changes nothing when it was asked, and its answer may come so
// late that the ttl is over. Where several nodes share the log it is each promise that counts.
bool Owners::is_steady_after(const Owner& owner, const Asked& asked, const Outcome& outcome) const {
  const bool in_time = outcome.changed || world_.now() - asked.at <= Duration(owner.spec.lease->ttl) / 3;
  return !has_choice() && in_time && asked.times_excused == times_excused_;
}

void Owners::retry_later(Owner& owner, Duration delay) {
  const auto request = owner.request = ++last_request_;
  world_.scheduler.after(delay, [this, &owner, request] {
    if (owner.request == request && owner.wanted) register_now(owner);
  });
}

Duration Owners::beat_interval(const Owner& owner) {
  const Duration ttl = owner.spec.lease ? Duration(owner.spec.lease->ttl) : Duration{5s};
  if (owner.reliable) return random_.between(ttl / 5, ttl / 3);
  const auto mean = Duration(static_cast<Duration::rep>(static_cast<double>(ttl.count()) * owner.pace));
  return random_.between(mean / 2, mean * 3 / 2);
}

void Owners::schedule_beat(Owner& owner, Duration delay) {
  world_.scheduler.after(delay, [this, &owner, life = owner.life] {
    if (owner.life == life && owner.wanted && owner.pace > 0) beat(owner);
  });
}

void Owners::beat(Owner& owner) {
  schedule_beat(owner, beat_interval(owner));
  const bool anonymous = !owner.reliable && random_.chance(0.1);
  const auto number = ++owner.beats;
  if (has_choice() && owner.reliable) beat_elsewhere_unless_answered(owner);
  send(owner, Beat{owner.id, anonymous ? Session{} : owner.session}, owner.reliable,
       [this, &owner, number, life = owner.life, session = owner.session](const Result<Outcome>& result) {
         owner.answered_beat = std::max(owner.answered_beat, number);
         if (owner.life == life && owner.session == session && owner.wanted) beat_answered(owner, result);
       });
}

void Owners::beat_answered(Owner& owner, const Result<Outcome>& result) {
  if (result) return;
  const auto code = result.error().code;
  const bool gone = code == ErrorCode::not_found || code == ErrorCode::conflict;
  if (!gone && has_choice() && owner.reliable) return beat_elsewhere(owner, random_.between(5ms, 50ms));
  if (!gone || !owner.registered) return;
  owner.registered = owner.steady = false;
  if (world_.quiet && !owner.reliable) return;
  return random_.chance(0.7) ? new_session(owner) : register_now(owner);
}

void Owners::beat_elsewhere(Owner& owner, Duration delay) {
  owner.home = (owner.home + 1) % nodes_.size();
  ++owner.life;
  schedule_beat(owner, delay);
}

void Owners::beat_elsewhere_unless_answered(Owner& owner) {
  const Duration patience = owner.spec.lease ? Duration(owner.spec.lease->ttl) / 8 : Duration{1s};
  world_.scheduler.after(patience, [this, &owner, life = owner.life, number = owner.beats] {
    if (owner.life == life && owner.wanted && owner.answered_beat < number) beat_elsewhere(owner, 1ms);
  });
}

Node& Owners::any_node() { return nodes_[has_choice() ? random_.below(nodes_.size()) : 0]; }

Node& Owners::node_for(const Owner& owner) {
  return has_choice() && random_.chance(0.5) ? any_node() : nodes_[owner.home];
}

void Owners::send(Owner& owner, Command command, bool reliably, Desk::Reply reply) {
  ++sent_;
  const auto& config = world_.config;
  const bool is_beat = std::holds_alternative<Beat>(command);
  if (!is_beat && (!owner.reliable || !std::holds_alternative<Deregister>(command))) {
    owner.sent.push_back(command);
    if (owner.sent.size() > kRemembered) owner.sent.pop_front();
  }
  if (!reliably && random_.chance(config.duplicated)) send_copy(command, random_.between(0s, 10s));
  if (!reliably && random_.chance(config.lost)) return;
  Duration delay = random_.between(50us, 2ms);
  if (!reliably && random_.chance(config.delayed)) delay = random_.about(3s);
  const bool answer_lost = !reliably && random_.chance(config.lost);
  auto back = [this, answer_lost, delay = random_.between(50us, 2ms),
               reply = std::move(reply)](Result<Outcome> result) mutable {
    if (answer_lost) return;
    world_.scheduler.after(
        delay, [result = std::move(result), reply = std::move(reply)]() mutable { reply(std::move(result)); });
  };
  const std::size_t thread = reliably || is_beat ? owner.thread : random_.below(config.io_threads);
  Node& node = node_for(owner);
  world_.scheduler.after(
      delay, [this, &owner, &node, thread, is_beat, command = std::move(command), back = std::move(back)]() mutable {
        if (desk_.deliver(node, thread, std::move(command), std::move(back)) || !is_beat || !owner.reliable) return;
        // Refused: a reliable owner tries again at once, as its library would.
        if (has_choice()) return beat_elsewhere(owner, random_.between(5ms, 50ms));
        ++owner.life;
        schedule_beat(owner, random_.between(50ms, 150ms));
      });
}

void Owners::send_copy(const Command& command, Duration delay) {
  ++sent_;
  Node& node = any_node();
  world_.scheduler.after(delay, [this, &node, command, thread = random_.below(world_.config.io_threads)] {
    (void)desk_.deliver(node, thread, command, [](const auto&) {});
  });
}

void Owners::follow(const Event& event) {
  if (event.cause.writer != "lease") return;
  for (Owner& owner : owners_) {
    if (owner.id != event.instance->id || !owner.steady || owner.session != event.instance->session) continue;
    const bool is_expiry = event.kind == EventKind::removed || event.instance->lapsed;
    if (is_expiry) {
      world_.verdict.broken("nobody who beats in every third of its ttl expires", "{}: {}", owner.id.view(),
                            event.cause.evidence);
    }
  }
}

void Owners::excuse_beats_until_next() {
  ++times_excused_;
  for (Owner& owner : owners_) owner.steady = false;
}

void Owners::settle() {
  for (Owner& owner : owners_) {
    if (owner.reliable && owner.wanted) continue;
    owner.wanted = owner.registered = false;
    ++owner.life;
  }
}

void Owners::check_settled(const LogModel& log) {
  for (const Owner& owner : owners_) {
    const auto living = log.living(owner.id.view());
    if (owner.wanted) {
      if (!living || living->session != owner.session || living->lapsed) {
        world_.verdict.broken("who beats is there in the end", "{}", owner.id.view());
      }
    } else if (living && living->spec.lease) {
      world_.verdict.broken("who fell silent is gone in the end", "{}", owner.id.view());
    }
  }
}

}  // namespace rollcall::sim
