#pragma once
// The registry: rules, one write queue, leases. No sockets, no files.
//
// Commands from any thread enter one queue. On the registry's own executor they are judged in batches against the
// catalog and the earlier commands of their batch, committed together on the store's executor, applied together,
// answered. One batch is in flight. Heartbeats don't queue: they touch the lease table on the caller's thread. What
// other nodes write comes with the next commit, or is read when the Store says that the log has grown.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "base/limits.hpp"
#include "base/random.hpp"
#include "base/turn_barrier.hpp"
#include "catalog/catalog.hpp"
#include "registry/beat_result.hpp"
#include "registry/cluster.hpp"
#include "registry/command.hpp"
#include "store/store.hpp"

namespace rollcall {

/// Counters for /metrics. Any thread may read.
struct RegistryStats {
  std::uint64_t commits = 0, changes = 0, conflicts = 0, failures = 0, expired = 0, queued = 0, leases = 0;
  std::uint64_t store_bytes = 0;  ///< on disk, as of the last prune
};

class Registry {
 public:
  using Done = std::move_only_function<void(Result<Outcome>)>;

  struct Parts {
    Executor& own;             ///< the registry's thread
    Executor& store_executor;  ///< the thread that may block in the Store
    Store& store;
    Catalog& catalog;
    TurnBarrier& turns;
    const Clock& clock;
    Random& random;  ///< used on the registry's thread alone
    const Limits& limits;
    const ClusterParts* cluster = nullptr;  ///< where other nodes share the log
  };

  explicit Registry(const Parts& parts);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Before any other call and before the executors run: fills the catalog and the leases from the Store, which tells
  /// it of growth from here on.
  [[nodiscard]] Result<void> load();
  /// On the registry's executor: from now on leases are judged and written down.
  void start();

  /// Any thread. `done` runs on the registry's executor, or at once when the queue is full (`overloaded`).
  void submit(Command command, Done done);

  /// Any thread. An empty session matches every one.
  [[nodiscard]] BeatResult heartbeat(std::string_view id, std::string_view session);
  /// The same for many, which hides the memory's latency. `results` is as long as `ids`. With `only`, instances of
  /// other sources are unknown.
  void heartbeat_many(std::span<const std::string_view> ids, std::span<BeatResult> results,
                      std::optional<Source> only = std::nullopt);

  /// Silence of a leased instance; nullopt when it has no lease. `unverified`: not heard of since this process started.
  struct Silence {
    Duration since_last_beat;
    bool unverified = false;
  };
  [[nodiscard]] std::optional<Silence> silence(std::string_view id) const;

  /// Any thread. `done` runs on the registry's executor, once everything that the log holds now has been applied; or
  /// with an error, when it can't be asked.
  void catch_up(std::move_only_function<void(Result<void>)> done);

  /// Any thread. The nodes that share the log; nullopt where this one is alone.
  [[nodiscard]] std::optional<ClusterView> cluster() const;
  /// Any thread. How long something may have been in the log that isn't applied here; 0 where nobody shares it.
  [[nodiscard]] Duration lag() const;
  /// Any thread. False: other nodes may have gone on without this one, and end who is heard of here alone.
  [[nodiscard]] bool in_touch() const;

  /// Any thread. Runs `work` on the store's executor, between commits.
  void with_store(std::move_only_function<void(Store&)> work);

  /// Any thread. No more commands are taken; `done` runs when the queue is empty, the last batch answered and leases
  /// written.
  void drain(Task done);

  [[nodiscard]] RegistryStats stats() const;
  /// False while the Store can't take writes; `detail` says why.
  [[nodiscard]] bool writable(std::string* detail = nullptr) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace rollcall
