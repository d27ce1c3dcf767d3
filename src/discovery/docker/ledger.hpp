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
  /// This is what the catalog has of the source now, whoever wrote it: another daemon before, or one that held the
  /// office. What is in no group waits for one to claim it; what differs from what was said of it is said with the next
  /// report of its group. Those groups. What is on its way to the catalog differs as well: it is said twice.
  std::vector<std::string> reconcile(const std::vector<InstancePtr>& known);

  /// This is all of the group now. Whether anything had to be said.
  bool report(const std::string& group, std::vector<Sighting> now, const std::string& why_gone, ProviderSink& sink);
  bool end(const std::string& group, const std::string& why_gone, ProviderSink& sink);

  /// All groups have been reported: whom none has claimed is gone.
  void end_unclaimed(const std::string& why_gone, ProviderSink& sink);

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
    bool is_listed = true;  ///< or is to be said again
    friend bool operator==(const Said&, const Said&) = default;
  };
  using Group = std::map<InstanceId, Said>;

  bool say(Group& group, Sighting sighting, ProviderSink& sink);

  std::unordered_map<std::string, Group> groups_;
  std::unordered_map<InstanceId, std::string> group_by_id_;
  std::unordered_map<InstanceId, Said> adopted_;
};

}  // namespace rollcall::docker
