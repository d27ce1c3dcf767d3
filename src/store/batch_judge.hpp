#pragma once
// What every engine does with a batch before it stores it, so that numbers, `created`, `previous` and conflicts come
// out the same whichever engine it is.
#include <functional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "store/store.hpp"

namespace rollcall {

/// Judges the changes of one batch in their order and makes their events. Lives no longer than the batch.
class BatchJudge {
 public:
  /// How far the log has come.
  struct Position {
    Revision revision;
    InstanceNumber number;
    Term term{};  ///< of the reaper
  };
  /// The newest revision of an instance number, 0 when the log has forgotten it. Asked for known ids only.
  using LatestOf = std::function<Result<Revision>(InstanceNumber)>;

  BatchJudge(Position position, LatestOf latest_of) : position_(position), latest_of_(std::move(latest_of)) {}

  /// Another handle has touched this id since the batch was judged: every change of it conflicts. `id` must stay.
  void touched_elsewhere(std::string_view id) { refused_.insert(id); }

  /// The event that `change` makes, or `conflict`. A change must outlive the judge.
  [[nodiscard]] Result<EventPtr> judge(const Change& change);

  [[nodiscard]] Position position() const noexcept { return position_; }

 private:
  struct Earlier {
    Revision revision, created;
    InstanceNumber number;
  };
  [[nodiscard]] Result<void> check_known(const Change& change);
  [[nodiscard]] Result<EventPtr> refuse(const Change& change, Error error);

  Position position_;
  LatestOf latest_of_;
  std::unordered_set<std::string_view> refused_;
  std::unordered_map<std::string_view, Earlier> earlier_;  ///< by id, of this batch
};

/// Whether something of that time is past its life. A time further ahead than a life comes from a clock that was wrong,
/// and must not keep what it marks for ever.
[[nodiscard]] inline bool past_life(WallTime at, WallTime now, std::chrono::milliseconds life) noexcept {
  return now - at >= life || at - now > life;
}

}  // namespace rollcall
