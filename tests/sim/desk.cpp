#include "desk.hpp"

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
          [](const Beat& c) { return fmt::format("beat session {}", c.session.view()); }},
      command);
  return fmt::format("{} {}", id_of_command(command).view(), what);
}

void Desk::close() {
  process_ = nullptr;
  waiting_.clear();
}

bool Desk::deliver(std::size_t thread, Command command, Reply reply) {
  if (process_ == nullptr || !world_.process_lives) return false;
  if (world_.now() < world_.unreachable_until) return true;
  SimThread& io_thread = process_->io_thread(thread);
  if (const auto* beat = std::get_if<Beat>(&command)) {
    const auto ticket = leases_.arrived(beat->id, beat->session);
    io_thread.post([this, beat = *beat, ticket, reply = std::move(reply)]() mutable {
      take_beat(beat, ticket, std::move(reply));
    });
  } else {
    io_thread.post([this, command = std::move(command), reply = std::move(reply)]() mutable {
      submit(std::move(command), std::move(reply));
    });
  }
  return true;
}

void Desk::deliver_beats(std::size_t thread, std::vector<InstanceId> ids) {
  if (process_ == nullptr || !world_.process_lives || world_.now() < world_.unreachable_until) return;
  std::vector<LeaseModel::BeatTicket> tickets;
  for (const auto& id : ids) tickets.push_back(leases_.arrived(id, Session{}));
  process_->io_thread(thread).post(
      [this, ids = std::move(ids), tickets = std::move(tickets)] { take_beats(ids, tickets); });
}

void Desk::take_beats(const std::vector<InstanceId>& ids, const std::vector<LeaseModel::BeatTicket>& tickets) {
  std::vector<std::string_view> names;
  for (const auto& id : ids) names.push_back(id.view());
  std::vector<BeatResult> results(ids.size(), BeatResult::stale);
  process_->registry().heartbeat_many(names, results);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    beat_taken(Beat{ids[i], Session{}}, tickets[i], results[i], [](const auto&) {});
  }
}

void Desk::take_beat(const Beat& beat, LeaseModel::BeatTicket ticket, Reply reply) {
  const auto result = process_->registry().heartbeat(beat.id.view(), beat.session.view());
  beat_taken(beat, ticket, result, std::move(reply));
}

void Desk::beat_taken(const Beat& beat, LeaseModel::BeatTicket ticket, BeatResult result, Reply reply) {
  if (result == BeatResult::undecided) {
    world_.note("{}: undecided", describe(beat));
    return submit(beat, [this, ticket, reply = std::move(reply)](Result<Outcome> outcome) mutable {
      leases_.decided(ticket, outcome.has_value());
      reply(std::move(outcome));
    });
  }
  world_.note("{}: {}", describe(beat), std::to_underlying(result));
  if (result == BeatResult::ok) check_beat_ok(beat);
  leases_.answered(ticket, result == BeatResult::ok);
  switch (result) {
    case BeatResult::ok:
    case BeatResult::late:
      return reply(Outcome{});
    case BeatResult::unknown:
      return reply(fail(ErrorCode::not_found, "no such lease"));
    case BeatResult::stale:
      return reply(fail(ErrorCode::conflict, "another session"));
    case BeatResult::undecided:
      return;
  }
}

// The lease table follows the catalog in the same task, so between tasks they agree.
void Desk::check_beat_ok(const Beat& beat) {
  const auto instance = process_->catalog().find_instance(beat.id.view());
  if (!instance || !instance->spec.lease || instance->lapsed) {
    world_.verdict.broken("a heartbeat is only taken from who is there", "{}", describe(beat));
  } else if (!beat.session.empty() && instance->session != beat.session) {
    world_.verdict.broken("a replaced session can't renew", "{} while {} lives", describe(beat),
                          instance->session.view());
  }
  const auto silence = process_->registry().silence(beat.id.view());
  if (!silence || silence->since_last_beat > Duration{0} || silence->unverified) {
    world_.verdict.broken("a heartbeat ends the silence", "{}", describe(beat));
  }
}

void Desk::submit(Command command, Reply reply) {
  const auto serial = ++last_serial_;
  world_.note("#{} {}", serial, describe(command));
  if (const auto* wanted = std::get_if<Register>(&command)) ++fates_[version_of(wanted->spec)].sent;
  waiting_.emplace(serial, Waiting{command, world_.now(), world_.excused()});
  process_->registry().submit(std::move(command),
                              [this, serial, reply = std::move(reply)](Result<Outcome> result) mutable {
                                if (!world_.process_lives) return;
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
    world_.note("#{} done at {}{}", serial, result->revision.value, result->changed ? "" : ", unchanged");
    check_success(waiting, *result);
  } else {
    world_.note("#{} {}: {}", serial, name_of(result.error().code), result.error().message);
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
  if (process_->catalog().revision() < outcome.revision) {
    verdict.broken("an answer means applied", "{} at {}, catalog at {}", describe(waiting.command),
                   outcome.revision.value, process_->catalog().revision().value);
  }
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
  leases_.renewed(*wanted.id, wanted.session, waiting.asked);
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
      if (!world_.stopping && !world_.store_failed_lately()) {
        verdict.broken("errors have causes", "{}: {} without a fault", describe(command), error.message);
      }
      break;
    case ErrorCode::not_found:
      if (as_it_was && living && process_->catalog().find_instance(living->id.view()) &&
          (!std::holds_alternative<Beat>(command) || living->spec.lease)) {
        verdict.broken("who is there is found", "{}: {}", describe(command), error.message);
      }
      break;
    case ErrorCode::conflict: {
      const auto* wanted = std::get_if<Register>(&command);
      const bool owned_otherwise = wanted != nullptr && living &&
                                   (living->spec.service != wanted->spec.service || living->source != wanted->source);
      if (as_it_was && wanted != nullptr && !owned_otherwise && !log_.was_over(*wanted->id, wanted->session)) {
        verdict.broken("only what is over is refused", "{}: {}", describe(command), error.message);
      }
      break;
    }
    case ErrorCode::overloaded:
      break;
    default:
      verdict.broken("errors have causes", "{}: {} {}", describe(command), name_of(error.code), error.message);
  }
  if (const auto* wanted = std::get_if<Register>(&command)) check_refused_stays_undone(*wanted, error.code);
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
void Desk::check_silences() {
  for (const auto& [id, expected] : log_.state()) {
    const auto instance = process_->catalog().find_instance(id);
    if (!instance || instance->modified != expected->modified) continue;
    const auto silence = process_->registry().silence(id);
    if (silence.has_value() != instance->spec.lease.has_value()) {
      world_.verdict.broken("who has a lease has a silence", "{}", id);
      continue;
    }
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
