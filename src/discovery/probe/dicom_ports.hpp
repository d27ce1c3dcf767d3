#pragma once
// The DICOM ports of one host: which ones listen, which ones speak DICOM, and when the next C-ECHO is due. Pure.
#include <cstdint>
#include <map>

#include "base/clock.hpp"
#include "discovery/probe/config.hpp"
#include "discovery/probe/server_tracker.hpp"

namespace rollcall::probe {

enum class EchoResult : std::uint8_t {
  answered,     ///< C-ECHO succeeded
  rejected,     ///< the association or the echo was refused, in DICOM
  not_dicom,    ///< something listens, but says nothing or something else
  unreachable,  ///< no connection
};

class DicomPorts {
 public:
  DicomPorts(unsigned failures_allowed, Duration echo_interval)
      : failures_allowed_(failures_allowed), echo_interval_(echo_interval) {}

  /// What a connection without a word showed. True: send a C-ECHO now. One failure, even a refusal, doesn't take a
  /// port from its server: that may just be restarting.
  [[nodiscard]] bool connected(std::uint16_t port, Outcome outcome, MonoTime now);
  void echoed(std::uint16_t port, EchoResult result, MonoTime now);

  /// Taken from before a restart: believed until shown otherwise.
  void believe(std::uint16_t port) { ports_[port].speaks_dicom = true; }

  /// Ports that speak DICOM, ascending.
  [[nodiscard]] PortList answering() const;
  [[nodiscard]] bool answers(std::uint16_t port) const;

 private:
  struct Port {
    bool speaks_dicom = false;
    bool listens = false;
    unsigned failures = 0;  // in a row, of either kind
    MonoTime last_echo;
  };
  void failed(Port& port) const;

  unsigned failures_allowed_;
  Duration echo_interval_;
  std::map<std::uint16_t, Port> ports_;
};

}  // namespace rollcall::probe
