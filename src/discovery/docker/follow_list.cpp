#include "discovery/docker/follow_list.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rollcall::docker {
namespace {

using namespace std::chrono_literals;

/// After the first look, the second, ...; from then on the last.
constexpr std::array<std::chrono::milliseconds, 9> kPauses{20ms, 40ms, 80ms, 150ms, 250ms, 250ms, 250ms, 500ms, 1000ms};
/// Even of who seems settled: for what its engine shows late. The pauses before them are together 0.5 s.
constexpr std::size_t kLeastLooks = 6;

}  // namespace

void FollowList::touch(const std::string& id, MonoTime now) {
  auto& followed = followed_[id];
  followed.looks = 0;
  followed.touched_in_hand = followed.in_hand;
  if (!followed.in_hand) followed.due = now;
}

std::vector<std::string> FollowList::take_due(MonoTime now, std::size_t most) {
  std::vector<std::pair<MonoTime, std::string>> due;
  for (const auto& [id, followed] : followed_) {
    if (!followed.in_hand && followed.due <= now) due.emplace_back(followed.due, id);
  }
  std::ranges::sort(due);
  due.resize(std::min(due.size(), most));
  std::vector<std::string> ids;
  for (auto& [when, id] : due) {
    followed_[id].in_hand = true;
    ids.push_back(std::move(id));
  }
  return ids;
}

void FollowList::looked(const std::string& id, bool settled, bool changed, MonoTime now) {
  const auto found = followed_.find(id);
  if (found == followed_.end() || !found->second.in_hand) return;
  auto& followed = found->second;
  followed.in_hand = false;
  if (std::exchange(followed.touched_in_hand, false)) {
    followed.due = now;
    return;
  }
  if (changed) followed.looks = std::min<std::size_t>(followed.looks, 1);
  ++followed.looks;
  if (settled && followed.looks >= kLeastLooks) {
    followed_.erase(found);
  } else {
    followed.due = now + kPauses[std::min(followed.looks, kPauses.size()) - 1];
  }
}

void FollowList::put_back(const std::vector<std::string>& ids, MonoTime now) {
  for (const auto& id : ids) {
    const auto found = followed_.find(id);
    if (found == followed_.end()) continue;
    found->second.in_hand = false;
    found->second.touched_in_hand = false;
    found->second.due = now;
  }
}

std::optional<MonoTime> FollowList::next_due() const {
  std::optional<MonoTime> next;
  for (const auto& [id, followed] : followed_) {
    if (!followed.in_hand && (!next || followed.due < *next)) next = followed.due;
  }
  return next;
}

}  // namespace rollcall::docker
