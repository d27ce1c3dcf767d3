#pragma once
// A Membership between the registry and the shared log that fails as networks and servers do (style.md 24).
#include <memory>
#include <vector>

#include "lease_rules.hpp"
#include "node.hpp"
#include "store/memory/memory_store.hpp"

namespace rollcall::sim {

class FaultyMembership final : public Membership {
 public:
  /// `all`: whom a fence may meet.
  FaultyMembership(Node& node, std::vector<Node*> all, std::shared_ptr<Membership> real, LeaseRules& leases);

  [[nodiscard]] NodeId self() const override { return real_->self(); }
  [[nodiscard]] Result<Minutes> join(const NodeCard& card, const std::vector<std::string>& offices) override;
  [[nodiscard]] Result<Minutes> meet(const rollcall::Report& report) override;
  [[nodiscard]] Result<void> leave(const rollcall::Report& last) override;

 private:
  enum class Fate { done, lost, refused };  ///< lost: it was done, and the caller doesn't get to know

  [[nodiscard]] Fate draw_fate();
  [[nodiscard]] Result<Minutes> pass(Fate fate, Result<Minutes> minutes);
  void spend_time();
  void hear(const Minutes& minutes);
  void note_fences(const rollcall::Report& report, const Minutes& minutes);

  Node& node_;
  World& world_;
  const std::vector<Node*> all_;
  const std::shared_ptr<Membership> real_;
  LeaseRules& leases_;
  SimRandom random_;
  std::vector<Digest> unheard_;  ///< came with answers that got lost: no client counts them as given
};

}  // namespace rollcall::sim
