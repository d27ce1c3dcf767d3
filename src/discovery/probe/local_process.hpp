#pragma once
// Which process of this machine listens on a port, and what it uses. Reads /proc.
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace rollcall::probe {

/// One life of a process: the number alone may be given again.
struct ProcessIdentity {
  int pid = 0;
  std::uint64_t start_ticks = 0;  ///< since boot
  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

struct ProcessUse {
  std::uint64_t cpu_ticks = 0;  ///< user and system, since its start
  std::uint64_t memory_bytes = 0;
};

/// Loopback, or an address of one of this machine's interfaces.
[[nodiscard]] bool is_local(const boost::asio::ip::address& address);

/// The process whose program's name contains `program` (any case) that listens on TCP `port`. Nothing if that is
/// another's (a proxy in front of a container) or may not be looked at. Takes milliseconds: not for an I/O thread.
[[nodiscard]] std::optional<ProcessIdentity> find_listener(std::uint16_t port, std::string_view program,
                                                           const std::filesystem::path& proc = "/proc");

/// What it uses now; nothing once that life has ended.
[[nodiscard]] std::optional<ProcessUse> read_use(const ProcessIdentity& process,
                                                 const std::filesystem::path& proc = "/proc");

[[nodiscard]] double ticks_per_second() noexcept;

}  // namespace rollcall::probe
