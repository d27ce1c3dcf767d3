#pragma once
// Where one node's process runs: starts it, ends it, and does to it what befalls processes and their machines.
#include <functional>
#include <memory>
#include <vector>

#include "catalog_check.hpp"
#include "desk.hpp"
#include "fresh_reads.hpp"
#include "lease_model.hpp"
#include "owners.hpp"
#include "process.hpp"
#include "watchers.hpp"

namespace rollcall::sim {

class Host {
 public:
  struct Parts {
    Node& node;
    Surroundings around;
    Desk& desk;
    Owners& owners;
    Watchers& watchers;
    FreshReads& fresh_reads;
    SimRandom& random;
    std::vector<Node*> all;  ///< every node of the run
    /// The model of a process that is alone; null where others share the log.
    const LeaseModel* alone = nullptr;
  };

  explicit Host(Parts parts);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void start();
  /// Its faults begin to come.
  void begin_faults();
  /// If a task of the process has wanted it.
  void crash_if_wanted();
  void check(bool with_catalog);
  /// If it was shut down for the time being.
  void come_back();

  [[nodiscard]] bool is_up() const noexcept { return process_ != nullptr; }
  [[nodiscard]] Node& node() noexcept { return node_; }
  [[nodiscard]] std::uint64_t crashes() const noexcept { return crashes_; }

 private:
  void check_reopened(Store& engine);
  [[nodiscard]] std::unique_ptr<FaultyMembership> join();
  void start_later(Duration delay);
  void stop();
  void crash();
  void lose_session();

  void fault_later(Duration every, std::function<void()> fault);
  void crash_or_restart();
  void drain();
  void go_away();
  void stall();
  void stall_io();
  void jump_wall();
  void fill_disk();
  void cut_from_store();
  void cut_from_others();
  void end_session();
  /// Nothing of this node reaches the others for so long.
  void excuse_silence(Duration length);

  Node& node_;
  World& world_;
  const Parts parts_;
  SimRandom& random_;
  CatalogCheck catalog_check_;
  std::unique_ptr<Process> process_;
  std::shared_ptr<Membership> session_;  ///< on the server, until that has noticed the process's end
  MonoTime stalled_until_{};             // any thread of the process
  MonoTime process_stalled_until_{};     // all of them
  MonoTime down_since_{};
  bool away_ = false;  ///< shut down until the end of the run
  std::uint64_t crashes_ = 0;
};

}  // namespace rollcall::sim
