#include "desk.hpp"

#include <algorithm>

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// From a request to its answer when nothing is wrong.
constexpr Duration kPatience = 4s;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

}  // namespace

InstanceId id_of_command(const Command& command) {
  return std::visit(
      Overloaded{[](const Register& c) { return c.id.value_or(InstanceId{}); }, [](const auto& c) { return c.id; }},
      command);
}

std::string describe(const Command& command) {
  const auto what = std::visit(
      Overloaded{
          [](const Register& c) { return fmt::format("register session {} {}", c.session.view(), version_of(c.spec)); },
          [](const Deregister& c) { return fmt::format("deregister session {}", c.session.view()); },
          [](const SetMaintenance& c) { return fmt::format("maintenance {}", c.on); },
          [](const SetHealth& c) { return fmt::format("health {}", name_of(c.health)); },
          [](const Observe& c) { return fmt::format("observe {} by {}", name_of(c.health), name_of(c.source)); },
          [](const Remark& c) { return fmt::format("remark {}", c.text); },
          [](const Beat& c) { return fmt::format("beat session {}", c.session.view()); }},
      command);
  return fmt::format("{} {}", id_of_command(command).view(), what);
}

void Desk::close(Node& node) {
  std::erase_if(waiting_, [&](const auto& waiting) { return waiting.second.node == &node; });
}

std::size_t Desk::waiting_at(const Node& node) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(waiting_, [&](const auto& waiting) { return waiting.second.node == &node; }));
}

bool Desk::deliver(Node& node, std::size_t thread, Command command, Reply reply) {
  if (!node.serves()) return false;
  if (world_.now() < node.unreachable_until) return true;
  SimThread& io_thread = node.process->io_thread(thread);
  if (const auto* beat = std::get_if<Beat>(&command)) {
    const auto ticket = leases_.arrived(node, beat->id, beat->session);
    io_thread.post([this, &node, beat = *beat, ticket, reply = std::move(reply)]() mutable {
      take_beat(node, beat, ticket, std::move(reply));
    });
  } else {
    io_thread.post([this, &node, command = std::move(command), reply = std::move(reply)]() mutable {
      submit(node, std::move(command), std::move(reply));
    });
  }
  return true;
}

void Desk::deliver_beats(Node& node, std::size_t thread, std::vector<InstanceId> ids) {
  if (!node.serves() || world_.now() < node.unreachable_until) return;
  Tickets tickets;
  for (const auto& id : ids) tickets.push_back(leases_.arrived(node, id, Session{}));
  node.process->io_thread(thread).post(
      [this, &node, ids = std::move(ids), tickets = std::move(tickets)] { take_beats(node, ids, tickets); });
}

void Desk::take_beats(Node& node, const std::vector<InstanceId>& ids, const Tickets& tickets) {
  std::vector<std::string_view> names;
  for (const auto& id : ids) names.push_back(id.view());
  std::vector<BeatResult> results(ids.size(), BeatResult::stale);
  node.process->registry().heartbeat_many(names, results);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    beat_taken(node, Beat{ids[i], Session{}}, tickets[i], results[i], [](const auto&) {});
  }
}

void Desk::take_beat(Node& node, const Beat& beat, LeaseRules::BeatTicket ticket, Reply reply) {
  Registry& registry = node.process->registry();
  const auto before = registry.silence(beat.id.view());
  const auto result = registry.heartbeat(beat.id.view(), beat.session.view());
  if (result == BeatResult::ok) check_in_time(node, beat, before);
  beat_taken(node, beat, ticket, result, std::move(reply));
}

void Desk::beat_taken(Node& node, const Beat& beat, LeaseRules::BeatTicket ticket, BeatResult result, Reply reply) {
  if (result == BeatResult::undecided) {
    node.note("{}: undecided", describe(beat));
    leases_.undecided(ticket);
    return submit(node, beat, [this, &node, ticket, reply = std::move(reply)](Result<Outcome> outcome) mutable {
      beat_heard(node, ticket, std::move(outcome), true, std::move(reply));
    });
  }
  node.note("{}: {}", describe(beat), std::to_underlying(result));
  if (result == BeatResult::ok || result == BeatResult::late) {
    check_beat_ok(node, beat);
    return beat_heard(node, ticket, Outcome{}, result == BeatResult::ok, std::move(reply));
  }
  leases_.answered(ticket, Heard::no);
  reply(result == BeatResult::unknown ? fail(ErrorCode::not_found, "no such lease")
                                      : fail(ErrorCode::conflict, "another session"));
}

void Desk::beat_heard(Node& node, LeaseRules::BeatTicket ticket, Result<Outcome> outcome, bool in_time, Reply reply) {
  const bool promised = outcome && in_time && node.process->registry().in_touch();
  leases_.answered(ticket, promised ? Heard::promised : outcome ? Heard::perhaps : Heard::no);
  if (outcome && !promised) outcome = fail(ErrorCode::timeout, "the others may have gone on without this node");
  reply(std::move(outcome));
}

/// Another node may have judged what this one knows to be over.
void Desk::check_in_time(Node& node, const Beat& beat, const std::optional<Registry::Silence>& before) {
  const auto instance = node.process->catalog().find_instance(beat.id.view());
  if (world_.config.nodes == 1 || !before || !instance || !instance->spec.lease) return;
  if (before->since_last_beat < instance->spec.lease->ttl) return;
  world_.verdict.broken("nobody is promised anything after its ttl", "{}, silent for {:.3f} s", describe(beat),
                        std::chrono::duration<double>(before->since_last_beat).count());
}

// The lease table follows the catalog in the same task, so between tasks they agree.
void Desk::check_beat_ok(Node& node, const Beat& beat) {
  const auto instance = node.process->catalog().find_instance(beat.id.view());
  if (!instance || !instance->spec.lease || instance->lapsed) {
    world_.verdict.broken("a heartbeat is only taken from who is there", "{}", describe(beat));
  } else if (!beat.session.empty() && instance->session != beat.session) {
    world_.verdict.broken("a replaced session can't renew", "{} while {} lives", describe(beat),
                          instance->session.view());
  }
  const auto silence = node.process->registry().silence(beat.id.view());
  if (!silence || silence->since_last_beat > Duration{0} || silence->unverified) {
    world_.verdict.broken("a heartbeat ends the silence", "{}", describe(beat));
  }
}

void Desk::submit(Node& node, Command command, Reply reply) {
  const auto serial = ++last_serial_;
  node.note("#{} {}", serial, describe(command));
  if (const auto* wanted = std::get_if<Register>(&command)) ++fates_[version_of(wanted->spec)].sent;
  waiting_.emplace(serial, Waiting{&node, command, world_.now(), world_.excused()});
  node.process->registry().submit(std::move(command),
                                  [this, &node, serial, reply = std::move(reply)](Result<Outcome> result) mutable {
                                    if (!node.lives) return;
                                    answered(serial, result);
                                    reply(std::move(result));
                                  });
}

void Desk::answered(std::uint64_t serial, const Result<Outcome>& result) {
  const auto found = waiting_.find(serial);
  if (found == waiting_.end()) {
    world_.verdict.broken("a request is answered once", "#{}", serial);
    return;
  }
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  if (result) {
    waiting.node->note("#{} done at {}{}", serial, result->revision.value, result->changed ? "" : ", unchanged");
    check_success(waiting, *result);
  } else {
    waiting.node->note("#{} {}: {}", serial, name_of(result.error().code), result.error().message);
    check_refusal(waiting, result.error());
  }
}

void Desk::check_success(const Waiting& waiting, const Outcome& outcome) {
  auto& verdict = world_.verdict;
  if (!outcome.instance) {
    verdict.broken("an answer shows the instance", "{}", describe(waiting.command));
    return;
  }
  const auto event = log_.find(outcome.revision);
  if (!event || event->instance->id != id_of_command(waiting.command)) {
    verdict.broken("no acknowledged write is lost", "{} was answered with {}, which the log doesn't have",
                   describe(waiting.command), outcome.revision.value);
    return;
  }
  const Revision applied = waiting.node->process->catalog().revision();
  if (applied < outcome.revision) {
    verdict.broken("an answer means applied", "{} at {}, catalog at {}", describe(waiting.command),
                   outcome.revision.value, applied.value);
  }
  if (!outcome.changed) check_unchanged(waiting, outcome);
  if (outcome.created != (outcome.changed && event->kind == EventKind::registered)) {
    verdict.broken("an answer says what came of it", "{}: created {}, event {}", describe(waiting.command),
                   outcome.created, name_of(event->kind));
  }
  if (const auto* wanted = std::get_if<Register>(&waiting.command)) check_registered(waiting, *wanted, outcome);
  if (const auto* wanted = std::get_if<Deregister>(&waiting.command)) {
    if (event->kind != EventKind::removed ||
        (!wanted->session.empty() && wanted->session != event->instance->session)) {
      verdict.broken("only the living session deregisters", "{} ended session {} by {}", describe(waiting.command),
                     event->instance->session.view(), name_of(event->kind));
    }
  }
}

void Desk::check_registered(const Waiting& waiting, const Register& wanted, const Outcome& outcome) {
  if (outcome.instance->spec != wanted.spec || outcome.instance->session != wanted.session) {
    world_.verdict.broken("what was acknowledged is what was asked", "{}: session {} {}", describe(wanted),
                          outcome.instance->session.view(), version_of(outcome.instance->spec));
  }
  const bool promised = waiting.node->process->registry().in_touch();
  leases_.renewed(*wanted.id, wanted.session, waiting.asked, promised ? Heard::promised : Heard::perhaps);
}

/// That nothing had to change was true at some moment since it was asked, whichever node has changed it since. Of
/// who is asked for a heartbeat or a check it tells no more than that it lived here.
void Desk::check_unchanged(const Waiting& waiting, const Outcome& outcome) {
  const bool is_sure =
      std::holds_alternative<Register>(waiting.command) || std::holds_alternative<SetMaintenance>(waiting.command);
  if (!is_sure || log_.superseded_at(outcome.revision) >= waiting.asked) return;
  world_.verdict.broken("what was acknowledged is respected", "{} is answered with {}, unchanged, which was over",
                        describe(waiting.command), outcome.revision.value);
}

void Desk::check_refusal(const Waiting& waiting, const Error& error) {
  const Command& command = waiting.command;
  auto& verdict = world_.verdict;
  const auto living = log_.living(id_of_command(command).view());
  // A batch may have more changes of the id: then what it met when it was judged isn't what is there now.
  const bool as_it_was = log_.changed_at(id_of_command(command)) < waiting.asked;
  switch (error.code) {
    case ErrorCode::unavailable:
    case ErrorCode::unknown_outcome:
      if (!waiting.node->stopping && !world_.store_failed_lately()) {
        verdict.broken("errors have causes", "{}: {} without a fault", describe(command), error.message);
      }
      break;
    case ErrorCode::not_found:
      if (as_it_was && living && (!std::holds_alternative<Beat>(command) || living->spec.lease)) {
        verdict.broken("who is there is found", "{}: {}", describe(command), error.message);
      }
      break;
    case ErrorCode::conflict:
      check_conflict(waiting, error, as_it_was);
      break;
    case ErrorCode::overloaded:
      break;
    default:
      verdict.broken("errors have causes", "{}: {} {}", describe(command), name_of(error.code), error.message);
  }
  if (const auto* wanted = std::get_if<Register>(&command)) check_refused_stays_undone(*wanted, error.code);
}

void Desk::check_conflict(const Waiting& waiting, const Error& error, bool as_it_was) {
  const auto& command = waiting.command;
  const auto living = log_.living(id_of_command(command).view());
  if (const auto* wanted = std::get_if<Register>(&command); wanted != nullptr && as_it_was) {
    const bool owned_otherwise =
        living && (living->spec.service != wanted->spec.service || living->source != wanted->source);
    if (!owned_otherwise && !log_.was_over(*wanted->id, wanted->session)) {
      world_.verdict.broken("only what is over is refused", "{}: {}", describe(command), error.message);
    }
  }
  const auto* unwanted = std::get_if<Deregister>(&command);
  if (unwanted != nullptr && as_it_was && living && living->session == unwanted->session) {
    world_.verdict.broken("only what is over is refused", "{}: {}", describe(command), error.message);
  }
}

void Desk::check_refused_stays_undone(const Register& command, ErrorCode code) {
  if (code == ErrorCode::unknown_outcome) return;
  const auto version = version_of(command.spec);
  Fate& fate = fates_[version];
  if (++fate.refused == fate.sent && log_.contains_version(version)) {
    world_.verdict.broken("what was refused didn't happen", "{}: {}, but the log has it", describe(command),
                          name_of(code));
  }
}

// What a commit has made durable and the registry hasn't applied yet isn't judged.
void Desk::check_silences(Node& node, bool all_told) {
  for (const auto& [id, expected] : log_.state()) {
    const auto instance = node.process->catalog().find_instance(id);
    if (!instance || instance->modified != expected->modified) continue;
    const auto silence = node.process->registry().silence(id);
    if (silence.has_value() != instance->spec.lease.has_value()) {
      world_.verdict.broken("who has a lease has a silence", "{}", id);
      continue;
    }
    if (world_.config.nodes > 1 && !all_told) continue;
    const auto most = leases_.silent_at_most(id);
    if (silence && most && silence->since_last_beat > *most) {
      world_.verdict.broken("a silence isn't longer than it was", "{}: {:.3f} s instead of {:.3f} s at most", id,
                            std::chrono::duration<double>(silence->since_last_beat).count(),
                            std::chrono::duration<double>(*most).count());
    }
  }
}

void Desk::check_overdue() {
  for (const auto& [serial, waiting] : waiting_) {
    const Duration waited = world_.now() - waiting.asked - (world_.excused() - waiting.excused_then);
    if (waited > kPatience) {
      world_.verdict.broken("every request is answered in time", "#{} {}", serial, describe(waiting.command));
    }
  }
}

}  // namespace rollcall::sim
