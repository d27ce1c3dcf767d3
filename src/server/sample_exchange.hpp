#pragma once
// What the nodes that share a log have sampled, each knows: one follows the engine or probes a range, but any may be
// asked. A thread of its own tells the others and hears of them, every so often and when somebody waits.
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/executor.hpp"
#include "base/limits.hpp"
#include "catalog/catalog.hpp"
#include "metrics/sample_table.hpp"
#include "store/sample_board.hpp"

namespace rollcall {

class SampleExchange {
 public:
  /// Whether there are new samples.
  using Done = std::move_only_function<void(bool)>;
  /// Has the samples of a service taken. The Done is called, or dropped, on any thread.
  using Take = std::function<void(const ServiceName&, Done)>;
  struct Parts {
    SampleBoard& board;
    SampleTable& samples;
    const Catalog& catalog;
    const Clock& clock;
    Executor& thread;  ///< may block
    ClusterLimits limits;
    Take take;  ///< called on the thread, when another node waits
  };

  /// All of `parts` but the thread outlives this, and the thread ends before.
  explicit SampleExchange(const Parts& parts) : parts_(parts) {}

  void start();
  /// Any thread. Has the node that can take samples of a service take them. `done` is called on the thread when all of
  /// its tasks and containers have one, or with what came until `sample_patience`; dropped when the thread ends.
  void order(ServiceName service, Done done);

  /// Any thread. Why the last exchange didn't come about; empty: it did.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Order {
    ServiceName service;
    std::vector<InstanceId> awaited;
    WallTime begun;
    MonoTime until;
    Done done;
    bool told = false, any = false;
  };

  void exchange();
  void exchange_later();
  void hear(const std::vector<SampleNews>& heard);
  void settle(const InstanceSample& news);
  void end_orders();
  void note(const Result<std::vector<SampleNews>>& heard);
  [[nodiscard]] SampleNews news_to_tell();
  [[nodiscard]] std::vector<InstanceId> awaited_of(const ServiceName& service) const;

  const Parts parts_;
  std::vector<Order> orders_;
  std::size_t exchanges_ = 0;
  mutable std::mutex mutex_;
  std::string trouble_;  // guarded by mutex_
};

}  // namespace rollcall
