#pragma once
// Whom to look at, and when: what has changed at once, and again until it has settled.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace rollcall::docker {

/// An event tells of a change before every part of the engine shows it, and one change brings others: so one look isn't
/// enough. The pauses between looks grow, and start anew with every change. Decides, and never acts.
class FollowList {
 public:
  /// Something has happened to `id`: it is due now, and is looked at several times even if it seems settled.
  void touch(const std::string& id, MonoTime now);

  /// Up to `most` that are due, the longest overdue first; they aren't due again before looked() tells how it went.
  [[nodiscard]] std::vector<std::string> take_due(MonoTime now, std::size_t most);

  /// After a look at what take_due() gave. What was touched meanwhile is due again.
  void looked(const std::string& id, bool settled, bool changed, MonoTime now);

  /// The looks at these came to nothing: due again.
  void put_back(const std::vector<std::string>& ids, MonoTime now);

  void clear() { followed_.clear(); }
  [[nodiscard]] std::optional<MonoTime> next_due() const;
  [[nodiscard]] std::size_t size() const noexcept { return followed_.size(); }

 private:
  struct Followed {
    MonoTime due;
    std::size_t looks = 0;  ///< since something last happened
    bool in_hand = false;
    bool touched_in_hand = false;
  };
  std::map<std::string, Followed> followed_;
};

}  // namespace rollcall::docker
