#pragma once
// The requests of one commit: each judged against the catalog and the changes before it, answered when the commit is
// known.
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <string_view>
#include <vector>

#include "registry/reaper.hpp"
#include "registry/rules.hpp"

namespace rollcall {

/// A request on its way through the queue.
struct Pending {
  using Done = std::move_only_function<void(Result<Outcome>)>;

  Request request;
  Done done;  ///< may be empty
  std::uint64_t sequence = 0;
  LeaseTime arrived{};
  unsigned attempts = 0;
  bool checked = false;  ///< the catalog has everything that was in the log when it arrived
};

class WriteBatch {
 public:
  WriteBatch(const Catalog& catalog, WallTime now, const Limits& limits)
      : catalog_(catalog), now_(now), limits_(limits), changes_{.seen = catalog.revision(), .changes = {}} {}

  /// Returns the instance if nothing of it changes and the request stands for a heartbeat.
  InstancePtr plan(Pending pending);
  void plan(Reaper::Verdict verdict);

  /// Whether a change of that id is planned.
  [[nodiscard]] bool touches(const InstanceId& id) const { return latest_.contains(id.str()); }
  [[nodiscard]] std::size_t requests() const noexcept { return planned_.size(); }
  [[nodiscard]] const ChangeBatch& changes() const noexcept { return changes_; }

  /// Answers those who came by then, while the outcome isn't known: they wait no longer, and aren't tried again if
  /// something newer stands in their way.
  void answer_early(const Error& why, LeaseTime came_by);

  /// What to do when the outcome is known.
  struct Followers {
    std::function<void(Pending)> try_again;              ///< another writer came first
    std::function<void(const Reaper::Verdict&)> undone;  ///< this verdict didn't come to pass
    std::function<void(Pending)> doubtful{};  ///< what another node has written may change its answer; empty: none has
  };
  /// Answers everyone from a commit's result, or from an empty one where there was nothing to commit.
  void settle(const CommitResult& result, const Followers& followers);
  /// Nothing was done, and everything is to be judged anew.
  void give_back(const Followers& followers);
  /// Answers everyone after a commit that failed: those that asked for nothing new get their answer all the same.
  void settle(const Error& failure, const Followers& followers);

 private:
  static constexpr std::size_t kNoChange = static_cast<std::size_t>(-1);

  struct Planned {
    Pending pending;
    std::optional<Reaper::Verdict> verdict;
    Result<Decision> decision;
    std::size_t change = kNoChange;  ///< index in changes_
    std::size_t base = kNoChange;    ///< index of the change of this batch that it was judged against
    bool answered = false;           ///< before the outcome was known
  };

  const Planned& add(Planned planned);
  [[nodiscard]] std::optional<Known> known(const InstanceId& id, std::size_t& base) const;
  [[nodiscard]] static bool is_doubtful(const Planned& planned);
  void answer_failed(Planned& planned, const Error& failure);
  static void answer(Planned& planned, Result<Outcome> outcome);
  static void answer_unchanged(Planned& planned, const EventPtr& base);
  static void try_again(Planned& planned, const Followers& followers);

  const Catalog& catalog_;
  WallTime now_;
  const Limits& limits_;
  ChangeBatch changes_;
  std::vector<Planned> planned_;
  boost::unordered_flat_map<std::string, std::size_t> latest_;  // id to the index of its last change
};

}  // namespace rollcall
