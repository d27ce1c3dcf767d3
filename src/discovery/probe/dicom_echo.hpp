#pragma once
// C-ECHO, the "are you there?" of DICOM. DCMTK is hidden behind this header: it blocks, and links many libraries.
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

#include "discovery/probe/dicom_ports.hpp"

namespace rollcall::probe {

class DicomEcho {
 public:
  virtual ~DicomEcho() = default;

  /// Blocks for at most three times `timeout`. Any thread, several at once. IPv4 only, as DCMTK 3.6.7 is.
  [[nodiscard]] virtual EchoResult echo(const boost::asio::ip::address& address, std::uint16_t port,
                                        std::chrono::seconds timeout) = 0;

  /// Ends the echoes under way and refuses later ones (they return `unreachable`). Any thread.
  virtual void cancel() = 0;

  [[nodiscard]] static std::unique_ptr<DicomEcho> make();
};

}  // namespace rollcall::probe
