#pragma once
// All that is known of one host, and what of it is reported when. Pure: a scanner brings what it saw.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "discovery/probe/config.hpp"
#include "discovery/probe/dicom_ports.hpp"
#include "discovery/probe/fingerprint.hpp"
#include "discovery/probe/server_tracker.hpp"
#include "discovery/probe/sighting.hpp"
#include "discovery/provider.hpp"

namespace rollcall::probe {

/// What asking a web port showed.
struct WebAnswer {
  Outcome outcome = Outcome::no_evidence;  ///< `answered`: as an Orthanc; `foreign`: as anything else
  std::string evidence;
  bool locked = false;                      ///< wants a password
  std::optional<OrthancIdentity> identity;  ///< if it said
  std::string server;                       ///< Server header of a foreign one
  bool connected = false;
  bool is_http = false;
  double response_time_ms = 0;
};

struct Now {
  MonoTime mono;
  WallTime wall;
};

class HostBook {
 public:
  HostBook(std::string host, const ProbeConfig& config, const ProbeRange& range, ProviderSink& sink);

  /// Takes over what an earlier run reported of this host. False: it isn't this host's, or not in its ports any more.
  bool adopt(const Instance& instance, Now now);

  /// A sweep asked a port whose server isn't known. True: it is now.
  bool found(std::uint16_t web_port, const WebAnswer& answer, Now now);

  /// A check of a known server. False: it is gone, and no longer known.
  bool checked(std::uint16_t web_port, const WebAnswer& answer, Now now);
  void detailed(std::uint16_t web_port, const OrthancSample& counts, std::optional<std::string> plugins);
  /// Its process, where that is local: start, CPU in per cent of one core, memory.
  void saw_process(std::uint16_t web_port, std::uint64_t start_ticks, std::optional<double> cpu_percent,
                   std::uint64_t memory_bytes);

  /// True: send a C-ECHO now.
  [[nodiscard]] bool dicom_connected(std::uint16_t port, Outcome outcome, Now now);
  void dicom_echoed(std::uint16_t port, EchoResult result, Now now);

  /// A check of a DICOM node that stands alone. False: it is gone.
  bool dicom_checked(std::uint16_t port, const Observation& observation, Now now);

  /// Every port has been looked at once more: pairs ports, reports what is new, and all else again (a reader that
  /// couldn't take an earlier report then gets it).
  void sweep_finished(Now now);

  [[nodiscard]] bool knows(std::uint16_t web_port) const { return servers_.contains(web_port); }
  [[nodiscard]] bool online(std::uint16_t web_port) const;
  [[nodiscard]] bool locked(std::uint16_t web_port) const;
  [[nodiscard]] PortList web_ports_known() const;
  [[nodiscard]] PortList dicom_nodes_known() const;
  [[nodiscard]] const std::string& host() const noexcept { return host_; }

 private:
  struct Server {
    OrthancFacts facts;
    ServerTracker tracker;
    Sample sample;
    bool reported = false;  // the first report waits for the sweep's end, when its DICOM port is known
  };
  struct Other {
    std::string server_header;
    ServerTracker tracker;
  };
  using OtherKey = std::pair<std::string, std::uint16_t>;  // service, port

  [[nodiscard]] TrackerRules rules() const;
  void report(const Server& server) const;
  void report_sample(const Server& server) const;
  void report(const OtherKey& key, const Other& other) const;
  void see_other(const OtherKey& key, const WebAnswer& answer, Now now);
  void fail_others(std::uint16_t port, const WebAnswer& answer, Now now);
  bool observe_other(const OtherKey& key, const Observation& observation, Now now);
  void forget_other(const OtherKey& key, std::string evidence);
  void pair();
  void review_dicom_nodes(Now now);

  const std::string host_;
  const ProbeConfig& config_;
  const ProbeRange& range_;
  ProviderSink& sink_;
  std::map<std::uint16_t, Server> servers_;  // by web port
  std::map<OtherKey, Other> others_;
  DicomPorts dicom_;
  std::map<std::uint16_t, unsigned> sweeps_alone_;  // DICOM ports without an Orthanc, and for how many sweeps
};

}  // namespace rollcall::probe
