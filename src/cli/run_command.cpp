#include "cli/run_command.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

extern char** environ;

namespace rollcall::cli {
namespace {

constexpr int kPassedOn[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGCONT};
constexpr int kExitSignalled = 128;
constexpr int kExitCannotRun = 126;
constexpr int kExitNoCommand = 127;

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  for (const int signal : kPassedOn) sigaddset(&set, signal);
  return set;
}

/// As a shell would start it: with the signals as they were before us.
int spawn(const std::vector<std::string>& command, const sigset_t& mask, pid_t& child) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &mask);
  const int error = posix_spawnp(&child, words.front(), nullptr, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  return error;
}

int wait_for(pid_t child, const sigset_t& signals) {
  while (true) {
    siginfo_t info{};
    const int signal = sigwaitinfo(&signals, &info);
    if (signal < 0) continue;
    if (signal != SIGCHLD) {
      // What a terminal sends (SI_KERNEL) goes to the whole foreground group: the command has it already.
      if (info.si_code != SI_KERNEL) kill(child, signal);
      continue;
    }
    int status = 0;
    if (waitpid(child, &status, WNOHANG) != child) continue;
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (WIFSIGNALED(status)) return kExitSignalled + WTERMSIG(status);
  }
}

}  // namespace

int run_command(const std::vector<std::string>& command, const std::function<void()>& started) {
  const sigset_t signals = awaited_signals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  pid_t child = 0;
  if (const int error = spawn(command, before, child); error != 0) {
    fmt::print(stderr, "rollcall: {} can't be run: {}\n", command.front(), std::strerror(error));
    return error == ENOENT ? kExitNoCommand : kExitCannotRun;
  }
  started();
  return wait_for(child, signals);
}

}  // namespace rollcall::cli
