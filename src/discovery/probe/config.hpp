#pragma once
// What is probed, how often and how hard. Plain values; the server fills them from its configuration.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace rollcall {

/// For HTTP Basic. Sent only to what was recognised as an Orthanc that asks for it.
struct ProbeCredentials {
  std::string user;
  std::string password;
  friend bool operator==(const ProbeCredentials&, const ProbeCredentials&) = default;
};

/// Ascending, unique.
using PortList = std::vector<std::uint16_t>;

/// Ports of some hosts. Nothing outside of the ranges is ever contacted.
struct ProbeRange {
  std::vector<std::string> hosts{"127.0.0.1"};  ///< IP addresses, CIDR blocks, or names (resolved once a sweep)
  PortList web_ports;                           ///< of Orthanc's REST API
  PortList dicom_ports;
  std::optional<ProbeCredentials> credentials;

  /// Seed 000's ports: web 8042 to 8100, DICOM 4242 to 4300.
  ProbeRange();
};

struct ProbeConfig {
  std::vector<ProbeRange> ranges{ProbeRange{}};
  std::chrono::milliseconds sweep_interval{3'000};    ///< looking for new servers
  std::chrono::milliseconds check_interval{1'000};    ///< asking known ones
  std::chrono::milliseconds connect_timeout{1'000};   ///< of a port in a sweep
  std::chrono::milliseconds answer_timeout{2'000};    ///< of a whole HTTP exchange
  std::chrono::milliseconds details_interval{2'000};  ///< counts and jobs of a known server
  std::chrono::milliseconds echo_interval{30'000};    ///< C-ECHO of a DICOM port that is known
  std::chrono::seconds echo_timeout{2};
  unsigned failures_before_offline = 3;             ///< checks without an answer; a refused connection counts at once
  std::chrono::milliseconds remove_after{300'000};  ///< since last seen
  std::size_t connections_per_second = 2'000;
  std::size_t max_in_flight = 512;      ///< connections of sweeps at one time, shared out evenly among the hosts
  std::size_t max_block_hosts = 1'024;  ///< of one CIDR block
  std::size_t max_hosts = 4'096;        ///< of all ranges
  std::size_t max_servers_per_host = 256;
  bool report_dicom = true;   ///< DICOM nodes without an Orthanc's web port, as service "dicom"
  bool report_other = false;  ///< web servers and open ports that aren't Orthanc, as services "http" and "tcp"
};

/// "8042-8100,9000": ports and inclusive ranges, 1 to 65535.
[[nodiscard]] Result<PortList> parse_ports(std::string_view text, std::string_view field);

/// One address, CIDR block or host name, for its form alone.
[[nodiscard]] Result<void> validate_host(std::string_view text, std::string_view field, const ProbeConfig& config);

/// Every rule on the values, errors naming "ranges[1].hosts[0]" and the like; a host may stand in one range only.
[[nodiscard]] Result<void> validate(const ProbeConfig& config);

/// One host of one range.
struct ProbeTarget {
  std::string host;       ///< as configured, or an address of a block
  std::size_t range = 0;  ///< index in ProbeConfig::ranges
  bool is_name = false;   ///< to be resolved
  friend bool operator==(const ProbeTarget&, const ProbeTarget&) = default;
};

/// All hosts of all ranges, blocks taken apart, in order. Fails as validate() does.
[[nodiscard]] Result<std::vector<ProbeTarget>> targets_of(const ProbeConfig& config);

}  // namespace rollcall
