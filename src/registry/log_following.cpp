// What the log has beyond the catalog: other nodes' events, and what came of a commit whose outcome is unknown.
#include "registry/log_reader.hpp"
#include "registry/registry_impl.hpp"

namespace rollcall {
namespace {

constexpr Duration kReadAgain = std::chrono::milliseconds{200};
/// After a commit others may be on their way, which bring what there is to read.
constexpr Duration kLinger = std::chrono::milliseconds{2};

}  // namespace

void Registry::Impl::follow_others() {
  if (is_busy()) return;
  const bool has_grown = !pausing && growth->take() > parts.catalog.revision();
  if (!has_grown && catching_up.empty()) return;
  if (catching_up.empty() && parts.clock.now() < committed_at + kLinger) return pause_following(kLinger);
  following = true;
  read_on();
}

void Registry::Impl::pause_following(Duration pause) {
  pausing = true;
  growth->tell(Revision{parts.catalog.revision().value + 1});
  read_again(pause, [](Impl& self) {
    self.pausing = false;
    self.step();
  });
}

void Registry::Impl::answer_and_recover(const Error& failure) {
  recovering = true;
  WriteBatch batch = std::move(*in_flight);
  in_flight.reset();
  // The claims of this batch stay until the log has told whether they came to pass.
  std::vector<Pending> doubted;
  WriteBatch::Followers followers{.try_again = {},
                                  .undone = [&](const Reaper::Verdict& verdict) { in_doubt.push_back(verdict); }};
  if (rounds) followers.doubtful = [&](Pending pending) { doubted.push_back(std::move(pending)); };
  batch.settle(failure, followers);
  if (!doubted.empty()) check(std::move(doubted));
  read_on();
}

void Registry::Impl::read_on() {
  ask();
  const auto self = shared_from_this();
  read_log(parts,
           {.apply = [self](std::span<const EventPtr> events) { self->apply(events); },
            .replace = [self](const Snapshot& snapshot) { self->replace_state(snapshot); },
            .done = [self](const Result<void>& read) { read ? self->caught_up() : self->cannot_read(read.error()); }});
}

void Registry::Impl::read_again(Duration pause, void (*how)(Impl&)) {
  parts.own.post_at(parts.clock.now() + pause, [weak = weak_from_this(), how] {
    if (const auto self = weak.lock()) how(*self);
  });
}

void Registry::Impl::cannot_read(const Error& why) {
  answered(std::unexpected(why));
  if (following) {
    following = false;
    pause_following(kReadAgain);
    return step();
  }
  refuse_waiting(why.message);
  read_again(kReadAgain, [](Impl& self) { self.read_on(); });
}

void Registry::Impl::caught_up() {
  for (const auto& verdict : std::exchange(in_doubt, {})) take_back(verdict);
  recovering = following = false;
  answered({});
  step();
}

void Registry::Impl::replace_state(const Snapshot& snapshot) {
  std::vector<InstancePtr> known;
  parts.catalog.for_each([&](const InstancePtr& instance) { known.push_back(instance); });
  for (const auto& instance : snapshot.instances) {
    keeper->catch_up(parts.catalog.find_instance(instance->id.view()), instance);
  }
  parts.catalog.reset(snapshot);
  freshness.applied(snapshot.revision);
  for (const auto& instance : known) {
    if (!parts.catalog.find_instance(instance->id.view())) keeper->catch_up(instance, nullptr);
  }
  counters.leases.store(keeper->leases().size(), std::memory_order_relaxed);
}

void Registry::Impl::met(Revision log, MonoTime as_of) {
  freshness.log_was_at(log, as_of, parts.catalog.revision());
  growth->tell(log);
}

/// A commit or a read begins: what it brings is at least what the log holds now.
void Registry::Impl::ask() {
  asked_at = parts.clock.now();
  being_caught_up = std::exchange(catching_up, {});
}

void Registry::Impl::answered(const Result<void>& result) {
  if (result) freshness.log_was_at(parts.catalog.revision(), asked_at, parts.catalog.revision());
  for (auto& waiting : std::exchange(being_caught_up, {})) waiting.done(result);
}

}  // namespace rollcall
