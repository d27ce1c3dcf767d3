#pragma once
// The connections of one I/O thread and their deadlines. A tick that looks at each of them is far cheaper than a timer
// that is set anew for each request, and a connection reads the time and the Date header here without asking for them.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace rollcall::http {

/// What a connection waits for; decides by when it must have come.
enum class Waiting : unsigned char {
  handshake,   ///< of TLS: request_timeout, then closed quietly
  first_byte,  ///< of the next request: idle_timeout, then closed quietly
  request,     ///< for the rest of a request: request_timeout, then 408
  handler,     ///< for our own answer: no deadline here, the handler has its own
  event,       ///< for something to happen that it asked to be told of: no deadline, ends when the table drains
  reader,      ///< for the peer to take bytes: idle_timeout, then closed
  close,       ///< for the peer to see our last answer and close: linger_timeout
};

/// A member of the table: a base class of what speaks a protocol.
class TableEntry : public boost::intrusive::list_base_hook<> {
 public:
  TableEntry(const TableEntry&) = delete;
  TableEntry& operator=(const TableEntry&) = delete;

  /// Why on_wake() was called.
  [[nodiscard]] bool overdue() const noexcept { return overdue_; }

 protected:
  TableEntry() = default;
  ~TableEntry() = default;

  /// The wait is over its deadline, or the table drains while this waits for a handshake, a first byte or an event: end
  /// the wait.
  virtual void on_wake() noexcept = 0;

 private:
  friend class ConnectionTable;
  MonoTime since_{};
  Waiting waiting_ = Waiting::first_byte;
  bool overdue_ = false;
};

/// All calls on the thread of its io_context.
class ConnectionTable {
 public:
  /// Outlives its connections, or IoThreads::shutdown() has ended them. `open` counts the connections of all tables,
  /// which share limits.connections.
  ConnectionTable(boost::asio::io_context& io, const Clock& clock, const ConnectionLimits& limits,
                  std::atomic<std::size_t>& open);
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  /// False when the process has as many connections as it may: the entry isn't in the table then.
  [[nodiscard]] bool join(TableEntry& entry);
  void leave(TableEntry& entry) noexcept;

  /// The entry waits from now on. Cheap: the time is the last tick's.
  void wait(TableEntry& entry, Waiting waiting) noexcept {
    entry.waiting_ = waiting;
    entry.since_ = now_;
  }

  /// Runs `task` on this thread when what is ready now has been dealt with, before the thread waits for more.
  void after_this_turn(std::move_only_function<void()> task);

  /// From now on connections end with their request in hand, idle ones at once.
  void drain() noexcept;
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// At most a tick old.
  [[nodiscard]] MonoTime now() const noexcept { return now_; }

  /// The Date header's value, RFC 9110's IMF-fixdate, at most a tick old.
  [[nodiscard]] std::string_view date() const noexcept { return {date_, sizeof date_ - 1}; }

 private:
  void arm();
  void tick();
  void run_deferred();
  void read_clock() noexcept;
  [[nodiscard]] Duration allowed(Waiting waiting) const noexcept;

  const Clock& clock_;
  const ConnectionLimits& limits_;
  const Duration period_;
  std::atomic<std::size_t>& open_;
  boost::asio::steady_timer timer_;
  boost::intrusive::list<TableEntry> entries_;
  std::vector<std::move_only_function<void()>> deferred_;
  std::vector<std::move_only_function<void()>> running_;  ///< deferred_ of the turn before; keeps its capacity
  MonoTime now_{};
  std::chrono::sys_seconds date_second_{};
  char date_[30] = "Thu, 01 Jan 1970 00:00:00 GMT";
  bool draining_ = false;
  bool armed_ = false;
};

}  // namespace rollcall::http
