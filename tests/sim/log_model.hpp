#pragma once
// What the log must be, judged from the events alone, by rules written down a second time.
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/event.hpp"
#include "store/store.hpp"
#include "world.hpp"

namespace rollcall::sim {

/// The durable log as the disk has it, and the state that it folds to. Survives the process.
class LogModel {
 public:
  using State = std::map<std::string, InstancePtr, std::less<>>;
  /// Called for each event that has become durable, with the instance as it was before, or null.
  using Listener = std::function<void(const Event& event, const InstancePtr& before)>;

  explicit LogModel(World& world) : world_(world) {}
  void listen(Listener listener) { listener_ = std::move(listener); }

  /// Events that have become durable, in order.
  void absorb(std::span<const EventPtr> events);

  /// What an opened Store says must be what became durable before.
  void check_reopened(const Snapshot& snapshot);

  [[nodiscard]] Revision last() const noexcept { return log_.empty() ? Revision{} : log_.back()->revision; }
  [[nodiscard]] const State& state() const noexcept { return state_; }
  [[nodiscard]] InstancePtr living(std::string_view id) const;
  [[nodiscard]] EventPtr find(Revision revision) const;
  /// The first event after `revision` that `service` (empty: any) is concerned with; null if none.
  [[nodiscard]] EventPtr first_after(Revision revision, std::string_view service) const;
  [[nodiscard]] std::span<const EventPtr> after(Revision revision) const;
  /// That session of the id has been replaced or removed, and isn't so old that the registry may have forgotten it.
  [[nodiscard]] bool is_over(const InstanceId& id, const Session& session) const;
  /// That it has been replaced or removed at some time.
  [[nodiscard]] bool was_over(const InstanceId& id, const Session& session) const;
  /// When the id's newest event became durable.
  [[nodiscard]] MonoTime changed_at(const InstanceId& id) const;
  /// When the event became durable.
  [[nodiscard]] MonoTime durable_at(Revision revision) const { return durable_at_.at(revision); }
  /// When the event after it of the same instance did; the end of time: there is none yet.
  [[nodiscard]] MonoTime superseded_at(Revision revision) const;
  [[nodiscard]] bool contains_version(const std::string& version) const { return versions_.contains(version); }

 private:
  void check_order(const Event& event, const InstancePtr& before);
  void check_step(const Event& event, const InstancePtr& before);
  void check_registered(const Event& event, const InstancePtr& before);
  void end_session(const InstanceId& id, const Session& session);
  void fold(const EventPtr& event, const InstancePtr& before);

  World& world_;
  Listener listener_;
  std::vector<EventPtr> log_;
  State state_;
  std::map<InstanceId, std::vector<Session>> over_;  // oldest end first
  std::map<std::string, Incarnation, std::less<>> incarnations_;
  std::map<std::uint64_t, std::pair<std::string, Revision>> numbers_;  // whose, and its last event
  std::set<std::string> versions_;
  std::map<InstanceId, MonoTime> changed_at_;
  std::map<Revision, MonoTime> durable_at_, superseded_at_;
};

/// The mark that owners put into each spec they send, to find it again in the log.
[[nodiscard]] std::string version_of(const InstanceSpec& spec);
inline constexpr std::string_view kVersionKey = "v";

}  // namespace rollcall::sim
