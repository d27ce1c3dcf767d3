#include "discovery/docker/ledger.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "discovery/docker/task_sighting.hpp"

namespace rollcall::docker {

std::string_view Ledger::writer_of(const InstanceId& id) noexcept { return is_swarms(id) ? "swarm" : "docker"; }

std::vector<std::string> Ledger::reconcile(const std::vector<InstancePtr>& known) {
  adopted_.clear();
  for (auto& [name, members] : groups_) {
    for (auto& [id, said] : members) said.is_listed = false;
  }
  std::set<std::string> differing;
  for (const auto& instance : known) {
    const auto* group = group_of(instance->id);
    auto& said = group == nullptr ? adopted_[instance->id] : groups_.at(*group).at(instance->id);
    said.is_listed = true;
    if (said.spec == instance->spec && said.health == instance->health) continue;
    said = {.spec = instance->spec, .health = instance->health};
    if (group != nullptr) differing.insert(*group);
  }
  for (const auto& [name, members] : groups_) {
    if (std::ranges::any_of(members, [](const auto& member) { return !member.second.is_listed; }))
      differing.insert(name);
  }
  return {differing.begin(), differing.end()};
}

bool Ledger::report(const std::string& group, std::vector<Sighting> now, const std::string& why_gone,
                    ProviderSink& sink) {
  auto& known = groups_[group];
  std::unordered_set<std::string_view> there;
  for (const auto& sighting : now) there.insert(sighting.id.view());
  const auto before = std::erase_if(known, [&](const auto& member) {
    if (there.contains(member.first.view())) return false;
    sink.gone(member.first, {std::string(writer_of(member.first)), why_gone});
    group_by_id_.erase(member.first);
    return true;
  });
  bool said = before > 0;
  for (auto& sighting : now) {
    group_by_id_.insert_or_assign(sighting.id, group);
    said = say(known, std::move(sighting), sink) || said;
  }
  if (known.empty()) groups_.erase(group);
  return said;
}

bool Ledger::end(const std::string& group, const std::string& why_gone, ProviderSink& sink) {
  return groups_.contains(group) && report(group, {}, why_gone, sink);
}

void Ledger::end_unclaimed(const std::string& why_gone, ProviderSink& sink) {
  for (const auto& [id, listed] : std::exchange(adopted_, {})) sink.gone(id, {std::string(writer_of(id)), why_gone});
}

bool Ledger::say(Group& group, Sighting sighting, ProviderSink& sink) {
  const auto [member, is_new] = group.try_emplace(sighting.id);
  auto& said = member->second;
  bool known = !is_new;
  if (const auto adopted = adopted_.extract(sighting.id); is_new && adopted) {
    said = std::move(adopted.mapped());
    known = true;
  }
  const Said now{.spec = sighting.spec, .health = sighting.health};
  if (known && said == now) return false;
  if (known && said.spec.service != sighting.spec.service) {  // an id belongs to one service
    sink.gone(sighting.id, {std::string(writer_of(sighting.id)), "it goes by another service's name now"});
  }
  said = now;
  sink.seen(std::move(sighting));
  return true;
}

const std::string* Ledger::group_of(const InstanceId& id) const {
  const auto found = group_by_id_.find(id);
  return found == group_by_id_.end() ? nullptr : &found->second;
}

std::vector<std::string> Ledger::groups() const {
  std::vector<std::string> names;
  names.reserve(groups_.size());
  for (const auto& [name, group] : groups_) names.push_back(name);
  return names;
}

}  // namespace rollcall::docker
