#pragma once
// Who was last heard of when. Heartbeats from I/O threads touch one cache line each and take no lock; one thread, the
// owner, adds, removes and judges.
//
// A heartbeat and the claim of an expired lease meet in one atomic word, so that exactly one of them wins. What readers
// may still be looking at is reused only after reclaim(), which the owner calls once every reading thread has turned
// its loop.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "model/instance.hpp"
#include "registry/beat_result.hpp"
#include "store/store.hpp"

namespace rollcall {

/// A point on the lease clock: stands still while the daemon is down or stopped, goes on after a restart.
using LeaseTime = std::chrono::nanoseconds;

enum class LeaseState : std::uint8_t {
  gone,  ///< removed; a reader may still meet it for a moment
  alive,
  expiring,  ///< claimed: a commit decides
  lapsed,    ///< critical for want of heartbeats, waiting for its removal or for a heartbeat
};

class LeaseTable {
 public:
  LeaseTable();
  ~LeaseTable();
  LeaseTable(const LeaseTable&) = delete;
  LeaseTable& operator=(const LeaseTable&) = delete;

  // ---- reading threads ----

  /// An id on its way to its lease: memory that the beat will need is being fetched.
  struct Key {
    std::string_view id;
    std::uint64_t hash;
  };
  [[nodiscard]] Key key(std::string_view id) const noexcept;
  /// Reading the clock between key() and beat() costs nothing: it takes as long as the memory does.
  [[nodiscard]] BeatResult beat(const Key& key, std::string_view session, LeaseTime now) noexcept;
  [[nodiscard]] BeatResult beat(std::string_view id, std::string_view session, LeaseTime now) noexcept {
    return beat(key(id), session, now);
  }

  /// As many beats without session; memory latencies overlap. `results` is as long as `ids`. With `only`, instances of
  /// other sources are unknown.
  void beat_many(std::span<const std::string_view> ids, std::span<BeatResult> results, LeaseTime now,
                 std::optional<Source> only = std::nullopt) noexcept;

  struct Look {
    LeaseState state;
    LeaseTime last_beat;
    bool unverified;  ///< not heard of since this process started
  };
  [[nodiscard]] std::optional<Look> look(std::string_view id) const noexcept;

  // ---- the owner ----

  /// A lease and where it is kept; stays valid until erase(), afterwards it is recognised as stale.
  struct Handle {
    std::uint32_t slot = 0;
    std::uint32_t serial = 0;
    friend bool operator==(const Handle&, const Handle&) = default;
  };

  struct Terms {
    InstanceNumber number;
    LeaseTerms lease;
    Source source = Source::api;
  };

  /// Adds the lease, or renews it with these terms and session. Alive afterwards.
  Handle put(const InstanceId& id, const Session& session, const Terms& terms, LeaseTime last_beat, bool unverified);
  void erase(std::string_view id);

  [[nodiscard]] std::optional<Handle> find(std::string_view id) const noexcept;
  /// Nullopt for a stale handle.
  [[nodiscard]] std::optional<Look> look(Handle handle) const noexcept;
  [[nodiscard]] const Terms& terms(Handle handle) const noexcept;
  [[nodiscard]] std::string_view id(Handle handle) const noexcept;

  /// Alive to expiring, if there was no beat within ttl before `judged_at`. Returns the silence, or nullopt.
  [[nodiscard]] std::optional<Duration> claim(Handle handle, LeaseTime judged_at) noexcept;
  /// Expiring back to alive: the commit didn't happen.
  void restore(Handle handle) noexcept;
  /// To lapsed: the commit happened. The lease counts as having run out at `now`, when readers were told.
  void lapse(Handle handle, LeaseTime now) noexcept;

  /// Marks of leases that beat or lapsed after `since`, and the shortest ttl of all. A lapse moves the mark: the lease
  /// ran out when readers were told.
  struct Marks {
    std::vector<LeaseMark> marks;
    std::chrono::milliseconds shortest_ttl{std::chrono::milliseconds::max()};
  };
  enum class Heard : std::uint8_t { anywhere, here };
  /// `here`: only of leases that live and whose last beat came to this node.
  [[nodiscard]] Marks marks_since(LeaseTime since, Heard where = Heard::anywhere) const;

  /// Another node has heard of it. Changes nothing unless it is alive and that is newer than what is known. Returns the
  /// last beat that came to this node if that is hidden by it now: marks of what was heard here don't show it any more.
  std::optional<LeaseTime> heard_elsewhere(InstanceNumber number, LeaseTime last_beat);

  [[nodiscard]] std::size_t size() const noexcept;

  /// What was erased or outgrown up to now. Give it to reclaim() when no reader can still be looking at it.
  struct Retired {
    std::vector<std::uint32_t> slots;
    std::vector<std::shared_ptr<void>> indexes;
    [[nodiscard]] bool empty() const noexcept { return slots.empty() && indexes.empty(); }
  };
  [[nodiscard]] Retired take_retired();
  void reclaim(Retired retired);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall
