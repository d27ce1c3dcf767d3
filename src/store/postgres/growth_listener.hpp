#pragma once
// Hears, on a connection and a thread of its own, that other handles have committed.
#include <thread>

#include "store/postgres/connection.hpp"
#include "store/postgres/postgres_store.hpp"

namespace rollcall::postgres {

/// What commits notify.
[[nodiscard]] std::string channel_of(const std::string& schema);

class GrowthListener {
 public:
  /// `generation`: of the log that is meant.
  GrowthListener(const PostgresOptions& options, ConnectionInfo info, Generation generation, Store::Grown grown);
  /// Waits for nothing but the look-up of a host's name, if there is one under way.
  ~GrowthListener();
  GrowthListener(const GrowthListener&) = delete;
  GrowthListener& operator=(const GrowthListener&) = delete;

 private:
  void run();
  [[nodiscard]] Failure listen();
  [[nodiscard]] Db<void> begin(Connection& connection) const;
  [[nodiscard]] Db<void> tell_of_head(Connection& connection);
  void tell_of(const std::vector<std::string>& notices);
  void note_lost(const Failure& failure);
  /// True: it has come.
  [[nodiscard]] bool end_within(std::chrono::milliseconds patience) const;

  const PostgresLimits waits_;
  const std::string schema_;
  const ConnectionInfo info_;
  const Generation generation_;
  const int end_;  // an eventfd

  // The thread's.
  Store::Grown grown_;
  bool lost_ = false;

  std::thread thread_;  // the last, so that it begins with everything there
};

}  // namespace rollcall::postgres
