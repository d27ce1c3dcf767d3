#pragma once
// What has been reported, so that only differences are.
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "discovery/provider.hpp"

namespace rollcall::docker {

/// Sightings come in groups: a Swarm service with its tasks, a plain container with its ports. Each call brings one
/// group up to date; an id belongs to one group at a time. Not for several threads.
class Ledger {
 public:
  /// What was reported before this daemon was started. It belongs to no group until a group claims it.
  void adopt(const std::vector<InstancePtr>& known);

  /// This is all of the group now. Whether anything had to be said.
  bool report(const std::string& group, std::vector<Sighting> now, const std::string& why_gone, ProviderSink& sink);
  bool end(const std::string& group, const std::string& why_gone, ProviderSink& sink);

  /// All groups have been reported for which `is_theirs` holds of the ids: whom none has claimed is gone.
  template <class IsTheirs>
  void end_unclaimed(IsTheirs is_theirs, const std::string& why_gone, ProviderSink& sink) {
    for (auto next = adopted_.begin(); next != adopted_.end();) {
      const auto entry = next++;
      if (!is_theirs(entry->first)) continue;
      sink.gone(entry->first, {std::string(writer_of(entry->first)), why_gone});
      adopted_.erase(entry);
    }
  }

  /// The next report of each group says everything again: a write was refused, and nobody knows which.
  void say_all_again() { ++round_; }

  [[nodiscard]] std::vector<std::string> groups() const;
  /// Who has reported it; null: nobody.
  [[nodiscard]] const std::string* group_of(const InstanceId& id) const;
  [[nodiscard]] std::size_t size() const noexcept { return group_by_id_.size(); }

  /// "swarm" or "docker".
  [[nodiscard]] static std::string_view writer_of(const InstanceId& id) noexcept;

 private:
  struct Said {
    InstanceSpec spec;
    Status health = Status::passing;
  };
  struct Group {
    std::map<InstanceId, Said> members;
    std::uint64_t round = 0;
  };

  bool say(Group& group, Sighting sighting, bool again, ProviderSink& sink);

  std::unordered_map<std::string, Group> groups_;
  std::unordered_map<InstanceId, std::string> group_by_id_;
  std::unordered_map<InstanceId, Said> adopted_;
  std::uint64_t round_ = 0;
};

}  // namespace rollcall::docker
