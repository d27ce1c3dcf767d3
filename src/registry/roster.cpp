#include "registry/roster.hpp"

#include <algorithm>
#include <utility>

namespace rollcall {
namespace {

/// Reports of ours whose times are remembered; another node that is further behind has been fenced.
constexpr std::size_t kReports = 1'024;
/// Of the time after which a node is fenced: what counts as silence between two meetings. In a longer time without a
/// meeting this node couldn't hear anybody.
constexpr int kSteps = 4;

}  // namespace

Report Roster::begin(LeaseTime at) {
  ++round_.value;
  reports_.push_back({round_, at});
  if (reports_.size() > kReports) reports_.pop_front();
  digests_[self_].push_back({round_, at});
  Report report{.round = round_};
  for (const auto& [node, other] : others_) report.heard.push_back({node, other.round});
  if (is_reaper()) {
    report.fence = to_fence();
    report.settled = dropping_ = settled(at);
  }
  return report;
}

std::vector<NodeRound> Roster::to_fence() const {
  std::vector<NodeRound> late;
  for (const auto& [node, other] : others_) {
    if (other.silent_for >= fence_after_) late.push_back({node, other.round});
  }
  return late;
}

/// What was merged so long ago that every member has it, and is written down.
std::vector<NodeRound> Roster::settled(LeaseTime now) const {
  const LeaseTime read_by_all = now - fence_after_ - fence_after_ / 2;
  const LeaseTime upto = std::min(read_by_all, written_down_);
  std::vector<NodeRound> settled;
  for (const auto& [node, heard] : digests_) {
    const auto first_kept = std::ranges::upper_bound(heard, upto, {}, &Heard::at);
    if (first_kept != heard.begin()) settled.push_back({node, std::prev(first_kept)->round});
  }
  return settled;
}

void Roster::learn(const Minutes& minutes, LeaseTime now) {
  hear(minutes, now);
  if (!reports_.empty()) met_up_to_ = reports_.back().at;
}

void Roster::hear(const Minutes& minutes, LeaseTime now) {
  const auto since_last = std::min<Duration>(now - learned_at_.value_or(now), fence_after_ / kSteps);
  learned_at_ = now;
  term_ = minutes.term;
  const bool somebody_went = std::ranges::any_of(others_, [&](const auto& other) {
    return std::ranges::find(minutes.members, other.first, &Member::id) == minutes.members.end();
  });
  if (somebody_went) floor_ = now;
  std::erase_if(others_, [&](const auto& other) {
    return std::ranges::find(minutes.members, other.first, &Member::id) == minutes.members.end();
  });
  for (const auto& member : minutes.members) {
    if (member.id != self_) note(member, since_last);
  }
  note_digests(minutes, now);
}

void Roster::join(const Minutes& minutes, LeaseTime now) {
  hear(minutes, now);
  if (!others_.empty()) floor_ = now;
}

void Roster::note(const Member& member, Duration since_last) {
  auto& other = others_[member.id];
  other.silent_for = other.round == member.round ? other.silent_for + since_last : Duration{0};
  other.round = member.round;
  const auto ours = std::ranges::find(member.heard, self_, &NodeRound::node);
  if (ours != member.heard.end()) other.heard_of_us = ours->round;
}

void Roster::note_digests(const Minutes& minutes, LeaseTime now) {
  for (const auto& [node, round] : std::exchange(dropping_, {})) {
    auto& heard = digests_[node];
    while (!heard.empty() && heard.front().round <= round) heard.pop_front();
  }
  for (const auto& digest : minutes.digests) digests_[digest.of.node].push_back({digest.of.round, now});
  std::erase_if(digests_, [](const auto& of) { return of.second.empty(); });
  // Who isn't the reaper lets go of what no reaper will ask about.
  if (!is_reaper()) {
    const LeaseTime old = now - 2 * fence_after_;
    for (auto& [node, heard] : digests_) {
      while (heard.size() > 1 && heard[1].at <= old) heard.pop_front();
    }
  }
}

void Roster::written_down(LeaseTime at) { written_down_ = at; }

LeaseTime Roster::complete_up_to() const {
  LeaseTime complete = met_up_to_;
  for (const auto& [node, other] : others_) {
    const auto report = std::ranges::lower_bound(reports_, other.heard_of_us, {}, &Heard::round);
    const bool is_known = report != reports_.end() && report->round == other.heard_of_us;
    complete = std::min(complete, is_known ? report->at : LeaseTime::min());
  }
  return complete;
}

Duration Roster::silence_of(NodeId member) const {
  const auto other = others_.find(member);
  return other == others_.end() ? Duration{0} : other->second.silent_for;
}

}  // namespace rollcall
