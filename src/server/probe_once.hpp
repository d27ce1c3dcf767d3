#pragma once
// `rollcall probe`: what a single port says of itself.
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <string>

#include "base/error.hpp"

namespace rollcall {

struct PortAnswer {
  std::string kind{};   ///< "orthanc", "http", "dicom" or "tcp"
  bool locked = false;  ///< wants a password
  std::string name{};   ///< of an Orthanc that said
  std::string aet{};
  std::string version{};
  std::string server{};    ///< its Server header
  std::string evidence{};  ///< "answered /system in 1.2 ms"
  double response_time_ms = 0;
};

/// Asks once, as the probe does but without credentials. Nobody there: `not_found` with the evidence; no way to tell:
/// `unavailable`. Blocks for a few times `timeout`.
[[nodiscard]] Result<PortAnswer> probe_once(boost::asio::ip::tcp::endpoint endpoint, std::chrono::milliseconds timeout);

}  // namespace rollcall
