#include "discovery/probe/local_process.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "discovery/network.hpp"

namespace rollcall::probe {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSockets = 65'536;    // lines of /proc/net/tcp that are looked at
constexpr std::size_t kMaxProcesses = 32'768;  // and processes
constexpr std::string_view kListening = "0A";

bool contains_any_case(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  return !std::ranges::search(text, part, same).empty();
}

std::optional<int> pid_of(const fs::path& directory) {
  const std::string name = directory.filename().string();
  int pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

/// Adds the inodes of sockets that listen on `port`, as "socket:[123]".
void add_listeners(const fs::path& table, std::uint16_t port, std::set<std::string>& sockets) {
  std::ifstream file(table);
  const std::string wanted = fmt::format(":{:04X}", port);
  std::string line;
  std::getline(file, line);
  for (std::size_t i = 0; i < kMaxSockets && std::getline(file, line); ++i) {
    std::istringstream fields(line);
    std::array<std::string, 10> field;  // sl local remote st queues timer retransmits uid timeout inode
    for (auto& text : field) fields >> text;
    if (field[3] == kListening && field[1].ends_with(wanted)) sockets.insert("socket:[" + field[9] + "]");
  }
}

bool holds_one_of(const fs::path& process, const std::set<std::string>& sockets) {
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end; entry.increment(error)) {
    const auto target = fs::read_symlink(entry->path(), error);
    if (!error && sockets.contains(target.string())) return true;
    error.clear();  // closed meanwhile
  }
  return false;
}

/// The fields of /proc/PID/stat after the name, which may hold blanks and brackets itself.
std::vector<std::string> stat_fields(const fs::path& process) {
  std::ifstream file(process / "stat");
  std::string line;
  std::getline(file, line);
  const auto close = line.rfind(')');
  std::vector<std::string> fields;
  if (close == std::string::npos) return fields;
  std::istringstream rest(line.substr(close + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

std::uint64_t number(const std::vector<std::string>& fields, std::size_t index) {
  std::uint64_t value = 0;
  if (index < fields.size()) std::from_chars(fields[index].data(), fields[index].data() + fields[index].size(), value);
  return value;
}

// Numbers of proc(5) minus the three fields up to and including the state, counted from 0.
constexpr std::size_t kUserTicks = 14 - 3, kSystemTicks = 15 - 3, kStartTicks = 22 - 3, kResidentPages = 24 - 3;

}  // namespace

bool is_local(const boost::asio::ip::address& address) {
  namespace ip = boost::asio::ip;
  const auto plain = unmapped(address);
  if (plain.is_loopback()) return true;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  bool found = false;
  for (const ifaddrs* entry = list; entry != nullptr && !found; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET && plain.is_v4()) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
      found = ip::address_v4(ntohl(in->sin_addr.s_addr)) == plain.to_v4();
    } else if (entry->ifa_addr->sa_family == AF_INET6 && plain.is_v6()) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr);
      found = std::ranges::equal(in->sin6_addr.s6_addr, plain.to_v6().to_bytes());
    }
  }
  ::freeifaddrs(list);
  return found;
}

std::optional<ProcessIdentity> find_listener(std::uint16_t port, std::string_view program, const fs::path& proc) {
  std::set<std::string> sockets;
  add_listeners(proc / "net/tcp", port, sockets);
  add_listeners(proc / "net/tcp6", port, sockets);
  if (sockets.empty()) return std::nullopt;
  std::error_code error;
  std::size_t looked_at = 0;
  for (fs::directory_iterator entry(proc, error), end; !error && entry != end; entry.increment(error)) {
    const auto pid = pid_of(entry->path());
    if (!pid) continue;
    if (++looked_at > kMaxProcesses) break;
    std::error_code ignored;
    const auto executable = fs::read_symlink(entry->path() / "exe", ignored).filename().string();
    if (!contains_any_case(executable, program) || !holds_one_of(entry->path(), sockets)) continue;
    const auto fields = stat_fields(entry->path());
    if (fields.size() > kResidentPages) return ProcessIdentity{*pid, number(fields, kStartTicks)};
  }
  return std::nullopt;
}

std::optional<ProcessUse> read_use(const ProcessIdentity& process, const fs::path& proc) {
  const auto fields = stat_fields(proc / std::to_string(process.pid));
  if (fields.size() <= kResidentPages || number(fields, kStartTicks) != process.start_ticks) return std::nullopt;
  if (fields[0] == "Z") return std::nullopt;  // dead, and nobody has buried it yet
  return ProcessUse{number(fields, kUserTicks) + number(fields, kSystemTicks),
                    number(fields, kResidentPages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
}

double ticks_per_second() noexcept { return static_cast<double>(::sysconf(_SC_CLK_TCK)); }

}  // namespace rollcall::probe
