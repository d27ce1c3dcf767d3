#include <algorithm>
#include <utility>

#include "store/memory/memory_log.hpp"

namespace rollcall {
namespace {

class MemoryMembership final : public Membership {
 public:
  MemoryMembership(std::shared_ptr<MemoryLog> log, NodeId self) : log_(std::move(log)), self_(self) {}
  ~MemoryMembership() override { end_session(*log_, self_); }
  MemoryMembership(const MemoryMembership&) = delete;
  MemoryMembership& operator=(const MemoryMembership&) = delete;

  NodeId self() const override { return self_; }

  Result<Minutes> join(const NodeCard& card, const std::vector<std::string>& offices) override {
    const std::scoped_lock lock(log_->mutex);
    stands_for_ = offices;
    std::erase_if(log_->members,
                  [&](const auto& member) { return member.second.card.name == card.name && member.first != self_; });
    log_->members.try_emplace(self_, Member{.id = self_, .card = card, .round = {}, .heard = {}, .revision = {}});
    return hear();
  }

  Result<Minutes> meet(const Report& report) override {
    const std::scoped_lock lock(log_->mutex);
    const bool is_member = tell(report);
    auto minutes = hear();
    minutes.ended = !is_member;
    return minutes;
  }

  Result<void> leave(const Report& last) override {
    end_session(*log_, self_);
    const std::scoped_lock lock(log_->mutex);
    tell(last);
    log_->members.erase(self_);
    return {};
  }

 private:
  bool tell(const Report& report) {
    drop_settled(report.settled);
    for (const auto& [node, round] : report.fence) {
      const auto late = log_->members.find(node);
      if (late != log_->members.end() && late->second.round <= round) log_->members.erase(late);
    }
    const auto own = log_->members.find(self_);
    if (own == log_->members.end()) return false;
    own->second.round = report.round;
    own->second.heard = report.heard;
    own->second.revision = report.revision;
    if (!report.digest.empty()) log_->digests.insert_or_assign({self_, report.round}, report.digest);
    return true;
  }

  void drop_settled(const std::vector<NodeRound>& settled) {
    std::erase_if(log_->digests, [&](const auto& digest) {
      return std::ranges::any_of(settled, [&](const NodeRound& upto) {
        return upto.node == digest.first.first && digest.first.second <= upto.round;
      });
    });
  }

  Minutes hear() {
    Minutes minutes;
    take_offices(minutes);
    for (const auto& [node, member] : log_->members) minutes.members.push_back(member);
    for (const auto& [of, beats] : log_->digests) {
      auto& given = given_[of.first];
      if (of.first == self_ || of.second <= given) continue;
      given = of.second;
      minutes.digests.push_back({{of.first, of.second}, beats});
    }
    minutes.reaper = log_->reaper;
    minutes.revision = log_->position.revision;
    return minutes;
  }

  void take_offices(Minutes& minutes) {
    for (const auto& office : stands_for_) {
      const auto [holder, is_new] = log_->offices.try_emplace(office, self_);
      if (holder->second != self_) continue;
      minutes.offices.push_back(office);
      if (office != kReaperOffice) continue;
      if (is_new) {
        log_->reaper = self_;
        ++log_->position.term.value;
      }
      minutes.term = log_->position.term;
    }
  }

  const std::shared_ptr<MemoryLog> log_;
  const NodeId self_;
  std::vector<std::string> stands_for_;
  std::map<NodeId, Round> given_;  ///< the newest digest of each node that was handed out
};

}  // namespace

std::unique_ptr<Membership> make_memory_membership(std::shared_ptr<MemoryLog> log, NodeId self) {
  return std::make_unique<MemoryMembership>(std::move(log), self);
}

void end_session(MemoryLog& log, NodeId node) {
  const std::scoped_lock lock(log.mutex);
  std::erase_if(log.offices, [node](const auto& office) { return office.second == node; });
}

}  // namespace rollcall
