// role: how a container starts.
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/app.hpp"

namespace rollcall::cli {
namespace {

struct Role {
  std::string_view name;
  const char* subcommand;
};

constexpr std::array<Role, 3> kRoles{{{"service-registry", "serve"}, {"autoscaler", "autoscale"}, {"agent", "agent"}}};
constexpr uid_t kUser = 10001;  // who owns the image's data directory
constexpr auto kDockerSocket = "/var/run/docker.sock";

std::string system_error(std::string_view what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

/// Whoever may use Docker's socket is in its group, which is another number on each host.
std::array<gid_t, 2> groups() {
  struct stat socket{};
  const bool is_there = stat(kDockerSocket, &socket) == 0 && S_ISSOCK(socket.st_mode);
  return {kUser, is_there ? socket.st_gid : kUser};
}

Result<void> leave_root() {
  if (geteuid() != 0) return {};
  const auto ours = groups();
  if (setgroups(ours.size(), ours.data()) != 0 || setresgid(kUser, kUser, kUser) != 0 ||
      setresuid(kUser, kUser, kUser) != 0) {
    return fail(ErrorCode::internal, system_error(fmt::format("can't become user {}", kUser)));
  }
  return {};
}

int become(const Role& role) {
  if (const auto left = leave_root(); !left) return complain(left.error());
  const char* const words[] = {"rollcall", role.subcommand, nullptr};
  execv("/proc/self/exe", const_cast<char* const*>(words));
  return complain({ErrorCode::internal, system_error("can't start"), {}});
}

int run_role() {
  const char* given = std::getenv("ROLE");
  const std::string_view wanted = given == nullptr || *given == '\0' ? kRoles.front().name : std::string_view(given);
  const auto* role = std::ranges::find(kRoles, wanted, &Role::name);
  if (role != kRoles.end()) return become(*role);
  return complain({ErrorCode::invalid,
                   fmt::format("is \"{}\"; allowed are service-registry, autoscaler and agent", wanted), "ROLE"});
}

}  // namespace

void add_role_command(Program& program) {
  program.add("role",
              "What the image starts with. Becomes what ROLE names: service-registry (`rollcall serve`, also without "
              "ROLE), autoscaler (`rollcall autoscale`) or agent (`rollcall agent`). Started as root it becomes user "
              "10001 first, in the group that may use /var/run/docker.sock.",
              "  ROLE=service-registry rollcall role", run_role);
}

}  // namespace rollcall::cli
