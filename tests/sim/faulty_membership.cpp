#include "faulty_membership.hpp"

#include <algorithm>
#include <utility>

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// Of a meeting that came to nothing: who held an office puts everything off, and hears of it with the next.
constexpr Duration kAftermath = 3s;

}  // namespace

FaultyMembership::FaultyMembership(Node& node, std::vector<Node*> all, std::shared_ptr<Membership> real,
                                   LeaseRules& leases)
    : node_(node),
      world_(node.world),
      all_(std::move(all)),
      real_(std::move(real)),
      leases_(leases),
      random_(world_.random.fork("membership")) {}

FaultyMembership::Fate FaultyMembership::draw_fate() {
  if (!node_.lives) return Fate::refused;
  const bool hung = std::exchange(node_.membership_hung, false);
  if (!hung && !node_.is_membership_cut() && (world_.quiet || !random_.chance(world_.config.meeting_fault))) {
    return Fate::done;
  }
  // What is sent into a cut that answers at once hasn't got far.
  const bool has_gone = hung || !node_.is_membership_cut();
  return has_gone && random_.chance(0.5) ? Fate::lost : Fate::refused;
}

void FaultyMembership::spend_time() {
  if (node_.process == nullptr) return;  // it starts, which is one step: what it reads next is read now
  if (!world_.quiet && random_.chance(world_.config.slow_meeting)) {
    const Duration slow = random_.between(50ms, 3s);
    node_.note("a slow meeting");
    world_.excuse(slow + kAftermath);
    return world_.scheduler.spend(slow);
  }
  world_.scheduler.spend(random_.between(100us, 3ms));
}

Result<Minutes> FaultyMembership::pass(Fate fate, Result<Minutes> minutes) {
  if (minutes) {
    hear(*minutes);
    unheard_.insert(unheard_.end(), minutes->digests.begin(), minutes->digests.end());
  }
  spend_time();
  if (fate == Fate::done) {
    if (minutes) minutes->digests = std::exchange(unheard_, {});
    return minutes;
  }
  node_.note("membership fault: {}", fate == Fate::lost ? "the answer is lost" : "refused");
  world_.store_failed();
  world_.excuse(kAftermath);
  return fail(ErrorCode::unavailable, "simulated: the others can't be met");
}

Result<Minutes> FaultyMembership::join(const NodeCard& card, const std::vector<std::string>& offices) {
  const Fate fate = draw_fate();
  if (fate == Fate::refused) return pass(fate, Minutes{});
  auto minutes = real_->join(card, offices);
  node_.note("joins{}", fate == Fate::lost ? ", and doesn't get to know" : "");
  if (minutes && minutes->members.size() == 1) {
    node_.note("nobody else shares the log");
    leases_.began_alone(node_);
  }
  return pass(fate, std::move(minutes));
}

Result<Minutes> FaultyMembership::meet(const rollcall::Report& report) {
  const Fate fate = draw_fate();
  if (fate == Fate::refused) return pass(fate, Minutes{});
  auto minutes = real_->meet(report);
  node_.note("round {}: {} bytes of beats; hears {} digests of {} members{}", report.round.value, report.digest.size(),
             minutes->digests.size(), minutes->members.size(), minutes->ended ? ", and has been fenced" : "");
  if (minutes) note_fences(report, *minutes);
  if (minutes && !minutes->ended) leases_.told(report.digest, node_.reported_at);
  return pass(fate, std::move(minutes));
}

Result<void> FaultyMembership::leave(const rollcall::Report& last) {
  const Fate fate = draw_fate();
  if (fate != Fate::refused) (void)real_->leave(last);
  node_.note("leaves{}", fate == Fate::done ? "" : ", and doesn't get to know");
  if (!world_.quiet && random_.chance(0.3)) world_.scheduler.spend(random_.between(0s, 3s));
  spend_time();
  if (fate == Fate::done) return {};
  return fail(ErrorCode::unavailable, "simulated: the others can't be met");
}

void FaultyMembership::hear(const Minutes& minutes) {
  if (minutes.term > world_.newest_term) {
    world_.newest_term = minutes.term;
    node_.note("is the reaper of term {}", minutes.term.value);
  }
}

void FaultyMembership::note_fences(const rollcall::Report& report, const Minutes& minutes) {
  for (const auto& late : report.fence) {
    if (std::ranges::find(minutes.members, late.node, &Member::id) != minutes.members.end()) continue;
    const auto whose = std::ranges::find(all_, late.node, &Node::id);
    node_.note("fences {}", whose == all_.end() ? "an earlier life" : (*whose)->name);
    if (whose != all_.end()) (*whose)->fenced_at = world_.now();
    world_.excuse(world_.config.ttl_max + kAftermath);
  }
}

}  // namespace rollcall::sim
