#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "server/notify.hpp"
#include "server/server.hpp"
#include "server/version.hpp"

namespace rollcall {
namespace {

using namespace std::chrono_literals;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr auto kStopGrace = 4s;

/// Those that run() waits for. SIGHUP asks a daemon to reload; but where there is nothing to, a terminal that is closed
/// ends what was started in it.
sigset_t awaited_signals(const Settings& settings) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (settings.tls.wanted() || isatty(STDIN_FILENO) == 0) sigaddset(&set, SIGHUP);
  return set;
}

/// A connection is a descriptor: the hard limit is ours to use.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int complain(const Error& error, int code) {
  fmt::print(stderr, "rollcall: {}{}{}\n", error.field, error.field.empty() ? "" : " ", error.message);
  return code;
}

/// Until a signal comes, tells systemd's watchdog that the threads turn their loops; a daemon that hangs says nothing.
int wait_for_signal(Server& server, const sigset_t& signals) {
  int signal = 0;
  const auto interval = watchdog_interval();
  if (!interval) {
    sigwait(&signals, &signal);
    return signal;
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*interval);
  const timespec pause{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(*interval - seconds).count()};
  while ((signal = sigtimedwait(&signals, nullptr, &pause)) < 0) {
    if (errno == EAGAIN && server.responds(*interval)) notify_systemd("WATCHDOG=1");
  }
  return signal;
}

int wait_for_stop(Server& server, const sigset_t& signals) {
  for (;;) {
    const int signal = wait_for_signal(server, signals);
    if (signal != SIGHUP) return signal;
    server.reload();
  }
}

int run(Server& server, const sigset_t& signals) {
  server.start();
  fmt::print("{}\n", server.ready_line());
  std::fflush(stdout);
  log::info("main", "service registry initialized: rollcall {}", kVersion);
  if (!notify_systemd("READY=1")) log::warning("main", "NOTIFY_SOCKET is set, but can't be written to");
  const int signal = wait_for_stop(server, signals);
  notify_systemd("STOPPING=1");
  log::info("main", "stopping on signal {}", signal);
  if (!server.stop(kStopGrace)) log::warning("main", "stopped with requests unanswered");
  log::info("main", "stopped");
  return 0;
}

}  // namespace

int serve(const CommandLine& line) {
  const auto settings = load_settings(line, system_environment());
  if (!settings) return complain(settings.error(), kExitUsage);
  log::set_level(settings->log_level);
  log::set_format(settings->log_format);
  for (const auto& note : settings->notes) log::info("main", "{}", note);
  std::signal(SIGPIPE, SIG_IGN);
  // Every thread inherits this, so that the signals wait for run().
  const sigset_t signals = awaited_signals(*settings);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  raise_descriptor_limit();
  auto server = Server::open(*settings);
  if (!server) return complain(server.error(), kExitFailed);
  return run(**server, signals);
}

}  // namespace rollcall
