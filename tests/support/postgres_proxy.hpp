#pragma once
// Stands between libpq and a server, and does something at a chosen message of either (PostgreSQL's frontend/backend
// protocol 3.0, "Message Formats").
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace rollcall::testing {

class PostgresProxy {
 public:
  enum class Then : std::uint8_t { go_on, cut };
  using Act = std::function<Then()>;

  /// On a socket in `folder`, to the server whose socket is in `server_folder`.
  PostgresProxy(std::string folder, std::string server_folder);
  ~PostgresProxy();
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  /// Counts messages of both directions from now on, and calls `act` before the nth goes on.
  void before_message(int n, Act act);
  /// How many there were since then.
  [[nodiscard]] int messages() const { return count_; }

 private:
  class Direction;
  void serve();
  void carry(int client, int server);
  bool forward(Direction& direction);
  Then pass_message();

  const std::string path_, server_path_;
  int listener_ = -1;
  std::mutex mutex_;
  Act act_;      // guarded by mutex_
  int nth_ = 0;  // guarded by mutex_
  std::atomic<int> count_{0};
  std::atomic<bool> stopping_{false};
  std::jthread thread_;  // the last, so that it begins with everything there
};

}  // namespace rollcall::testing
