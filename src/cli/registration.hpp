#pragma once
// What `rollcall register` registers, and how it is kept alive.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/client.hpp"

namespace rollcall::cli {

struct Registration {
  std::string service{};
  std::string id{};
  std::string address{};
  int port = 0;
  std::vector<std::string> tags{};
  std::vector<std::string> metadata{};  ///< "key=value"
  std::string ttl{};
  std::string deregister_after{};
  std::string session{};
  std::string check{};  ///< "tcp:ADDRESS:PORT" or a URL
  std::string check_interval{};
};

/// The body of the request; an error names the flag.
[[nodiscard]] Result<std::string> body_of(const Registration& registration);

/// Registers: with an id so that it may be sent again, without one the daemon chooses. The instance as it stands.
[[nodiscard]] Result<boost::json::value> send_registration(const Client& client, const Registration& registration);

[[nodiscard]] Result<void> send_heartbeat(const Client& client, const std::string& id, const std::string& session);
[[nodiscard]] Result<void> send_deregistration(const Client& client, const std::string& id, const std::string& session);

/// Beats every third of the ttl, and registers anew when the daemon has forgotten it or comes back.
class KeptRegistration {
 public:
  /// `registration` has an id and a session.
  KeptRegistration(const Client& client, Registration registration)
      : client_(client), registration_(std::move(registration)) {}
  ~KeptRegistration() { stop(); }
  KeptRegistration(const KeptRegistration&) = delete;
  KeptRegistration& operator=(const KeptRegistration&) = delete;

  /// Registers for the first time. No daemon is no error: it is said, and tried again once started.
  [[nodiscard]] Result<void> open();
  void start();
  /// Ends the beats; where it was registered, deregisters.
  void stop();

 private:
  void run();
  [[nodiscard]] Result<void> step();
  void note(const Result<void>& result);
  [[nodiscard]] std::chrono::milliseconds pause() const;

  const Client& client_;
  Registration registration_;
  std::chrono::milliseconds beat_{0};  ///< 0: not known yet
  bool registered_ = false;            ///< the daemon has it, as far as we know
  bool away_ = false;                  ///< the daemon couldn't do it the last time
  bool given_up_ = false;              ///< the daemon said no for good
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace rollcall::cli
