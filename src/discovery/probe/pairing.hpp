#pragma once
// Which DICOM port belongs to which web port of a host. Pure.
//
// An Orthanc's own word (DicomPort in /system) can be that of the inside of its container, so that three servers say
// 4242. It counts only if DICOM answers there and no other server says the same; else the port at the same distance
// from its range's start as the web port is (4242 + (web - 8042)), if DICOM answers there.
#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "discovery/probe/config.hpp"

namespace rollcall::probe {

struct PairingServer {
  std::uint16_t web_port = 0;
  std::optional<std::uint16_t> claimed;  ///< DicomPort of /system
  bool online = true;                    ///< what is offline keeps its port only while no live server gets it
  std::optional<std::uint16_t> held;     ///< the port that it was given before
};

/// From web port to DICOM port. A DICOM port is in it at most once, and only if it is among `answering` or an offline
/// server held it.
using Pairing = std::map<std::uint16_t, std::uint16_t>;

/// `servers` have different web ports; `answering` are the ports of this host that speak DICOM now.
[[nodiscard]] Pairing pair_ports(std::span<const PairingServer> servers, const PortList& answering,
                                 const ProbeRange& range);

/// The DICOM port at the web port's distance from the start of its range; none if the range has no such port.
[[nodiscard]] std::optional<std::uint16_t> counterpart(std::uint16_t web_port, const ProbeRange& range);

}  // namespace rollcall::probe
