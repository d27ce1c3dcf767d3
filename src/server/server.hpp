#pragma once
// The composition root: the only place that names concrete types, and the order in which they start and stop.
#include <chrono>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "server/settings.hpp"

namespace rollcall {

class Server {
 public:
  /// Opens the data directory, reads the registry back and binds; nothing is served yet.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(const Settings& settings);

  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `{"ready":{"http":"127.0.0.1:5001","socket":"127.0.0.1:65432"}}`, with the addresses as bound; under TLS also
  /// `"tls":true`.
  [[nodiscard]] std::string ready_line() const;

  void start();

  /// Reads the certificates again. Tells the log how that went.
  void reload();

  /// Whether each I/O thread and the registry's turn their loops within `patience`; waits for them.
  [[nodiscard]] bool responds(std::chrono::milliseconds patience);

  /// Stops accepting, answers what is in hand, finishes the writes, writes leases down. False: something had to be cut
  /// off after `grace`.
  bool stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// `rollcall serve`: loads settings, runs until SIGTERM or SIGINT, reloads on SIGHUP, returns the exit code.
int serve(const CommandLine& line);

}  // namespace rollcall
