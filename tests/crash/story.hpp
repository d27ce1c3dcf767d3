#pragma once
// A life of a log that repeats exactly: registrations, updates, removals, lease marks, pruning and restarts. It keeps
// beside the log what was acknowledged, and tells what a log found later lacks of it.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/sqlite_store.hpp"

namespace rollcall::testing {

class Story {
 public:
  explicit Story(SqliteOptions options) : options_(std::move(options)) {}

  /// Lives until the end or the first failure.
  void live_until_failure();

  /// Lives to the end and takes failures as a registry would: after an unknown outcome it reads until that succeeds.
  /// What breaks the contract on the way is a violation.
  [[nodiscard]] std::optional<std::string> live_through_failures();

  /// As the end of a process.
  void close() { store_.reset(); }

  /// Opens the log again and compares; then goes on writing, to see that it can.
  [[nodiscard]] std::optional<std::string> violation();

  /// Calls that failed in live_through_failures().
  [[nodiscard]] std::size_t failures() const { return failures_; }

 private:
  using Newest = std::map<std::string, EventPtr>;

  [[nodiscard]] Result<void> open();
  [[nodiscard]] ChangeBatch batch_of(int round) const;
  [[nodiscard]] Result<void> commit(int round);
  [[nodiscard]] Result<void> side_work(int round);
  [[nodiscard]] std::optional<std::string> commit_through(int round);
  [[nodiscard]] std::optional<std::string> settle(const Error& error);
  [[nodiscard]] Newest newest() const;
  [[nodiscard]] std::optional<std::string> compare();
  [[nodiscard]] std::optional<std::string> take_doubtful(const std::vector<EventPtr>& found);
  [[nodiscard]] std::optional<std::string> compare_state(const Snapshot& snapshot) const;
  [[nodiscard]] Revision last() const { return log_.empty() ? Revision{} : log_.back()->revision; }

  SqliteOptions options_;
  std::unique_ptr<Store> store_;
  Generation generation_;
  std::vector<EventPtr> log_;     ///< acknowledged, or found to be there
  std::vector<Change> doubtful_;  ///< the batch that got no answer
  std::chrono::milliseconds lease_clock_{0};
  bool marks_doubtful_ = false;
  std::size_t failures_ = 0;
};

}  // namespace rollcall::testing
