#pragma once
// The registry with the real queue, leases and in-memory store, in virtual time; the Store fails or waits as told.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "registry/registry.hpp"
#include "registry/virtual_executor.hpp"
#include "store/memory/memory_store.hpp"
#include "support/forwarding_store.hpp"

namespace rollcall::testing {

using namespace std::chrono_literals;

/// Fails as told.
class FaultyStore final : public ForwardingStore {
 public:
  explicit FaultyStore(std::unique_ptr<Store> real) : ForwardingStore(*real), real_(std::move(real)) {}

  std::optional<ErrorCode> fault;  ///< of the next commits
  bool committed_all_the_same = false;
  bool reads_fail = false;
  bool history_is_gone = false;
  int reads = 0;
  Grown grown;                          ///< tells the registry what it is told
  std::function<void()> before_commit;  ///< what happens between the judging of a batch and its commit

  void on_growth(Grown told) override {
    grown = std::move(told);
    ForwardingStore::on_growth([this](Revision newest) { grown(newest); });
  }
  Result<CommitResult> commit(const ChangeBatch& batch) override {
    if (before_commit) before_commit();
    if (!fault) return real_->commit(batch);
    if (committed_all_the_same) (void)real_->commit(batch);
    return fail(*fault, "as told");
  }
  Result<std::vector<EventPtr>> read(Revision after, std::size_t limit) override {
    ++reads;
    if (reads_fail) return fail(ErrorCode::unavailable, "as told");
    if (history_is_gone) return fail(ErrorCode::compacted, "as told");
    return real_->read(after, limit);
  }
  Result<void> save_leases(const LeaseMarks& marks) override {
    if (fault) return fail(*fault, "as told");
    return real_->save_leases(marks);
  }

 private:
  std::unique_ptr<Store> real_;
};

class CountingRandom final : public Random {
 public:
  std::uint64_t next() noexcept override { return ++count_ * 0x9E3779B97F4A7C15ULL; }

 private:
  std::uint64_t count_ = 0;
};

inline Encoders no_encoders() {
  return {.instance = [](const Instance& instance, std::string& out) { out += instance.id.view(); },
          .service = [](const Service& service, std::string& out) { out += service.name.view(); }};
}

/// One daemon's life over a log that outlives it. With a name it shares the log with others that have one.
struct Daemon {
  Daemon(VirtualTime& time, std::shared_ptr<MemoryLog> log, const std::string& name = {})
      : executor(time),
        store_executor(time),
        cluster_executor(time),
        store(make_memory_store(log)),
        catalog(no_encoders(), limits.catalog) {
    if (!name.empty()) {
      membership = make_memory_membership(std::move(log), NodeId{std::hash<std::string>{}(name) + lives++});
      cluster.emplace(ClusterParts{*membership, cluster_executor, {name, {}, {}}});
    }
    registry.emplace(Registry::Parts{executor, store_executor, store, catalog, turns, time, random, limits,
                                     cluster ? &*cluster : nullptr});
    EXPECT_TRUE(registry->load());
    executor.post([this] { registry->start(); });
  }

  static inline std::uint64_t lives = 0;
  VirtualExecutor executor;
  VirtualExecutor store_executor;
  VirtualExecutor cluster_executor;
  std::unique_ptr<Membership> membership;
  std::optional<ClusterParts> cluster;
  VirtualTurns turns;
  CountingRandom random;
  Limits limits;
  FaultyStore store;
  Catalog catalog;
  std::optional<Registry> registry;
};

class RegistryTest : public ::testing::Test {
 protected:
  void restart() {
    daemon_->registry.reset();
    time_ = std::make_unique<VirtualTime>();
    daemon_ = std::make_unique<Daemon>(*time_, log_);
    time_->advance(0s);
  }

  static Register registration(std::string id, std::chrono::milliseconds ttl = 30s) {
    Register wanted;
    wanted.id = InstanceId(std::move(id));
    wanted.spec.service = ServiceName("billing");
    wanted.spec.address = "127.0.0.1";
    wanted.spec.lease = LeaseTerms{ttl, 0ms};
    return wanted;
  }

  /// The outcome, once there is one.
  using Answer = std::shared_ptr<std::optional<Result<Outcome>>>;

  /// Submits, and lets no time pass: what is sent together is judged in one batch.
  Answer send(Command command) {
    auto answer = std::make_shared<std::optional<Result<Outcome>>>();  // it may come after the test has ended
    daemon_->registry->submit(std::move(command), [answer](Result<Outcome> given) { *answer = std::move(given); });
    return answer;
  }

  Result<Outcome> submit(Command command) {
    const auto answer = send(std::move(command));
    time_->advance(1ms);
    if (!*answer) return fail(ErrorCode::timeout, "no answer");
    return **answer;
  }

  bool alive(std::string_view id) { return daemon_->catalog.find_instance(id) != nullptr; }

  std::shared_ptr<MemoryLog> log_ = make_memory_log();
  std::unique_ptr<VirtualTime> time_ = std::make_unique<VirtualTime>();
  std::unique_ptr<Daemon> daemon_ = std::make_unique<Daemon>(*time_, log_);
};

}  // namespace rollcall::testing
