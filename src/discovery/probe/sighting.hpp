#pragma once
// How what was found is reported: ids that survive a restart, and what goes into an instance. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "discovery/probe/fingerprint.hpp"
#include "discovery/provider.hpp"

namespace rollcall::probe {

inline constexpr std::string_view kOrthancService = "orthanc";
inline constexpr std::string_view kDicomService = "dicom";
inline constexpr std::string_view kHttpService = "http";
inline constexpr std::string_view kTcpService = "tcp";

/// "probe:127.0.0.1:8042". By the web port, because the DICOM port may become known later, or change.
[[nodiscard]] InstanceId orthanc_id(std::string_view host, std::uint16_t web_port);

/// "probe:127.0.0.1:dicom:4250": what isn't an Orthanc has ids of its own, as an id belongs to one service.
[[nodiscard]] InstanceId other_id(std::string_view host, std::string_view service, std::uint16_t port);

/// All that is known of an Orthanc and stays the same from check to check.
struct OrthancFacts {
  std::uint16_t web_port = 0;
  bool locked = false;       ///< it wants a password
  OrthancIdentity identity;  ///< empty texts: it wouldn't say
  std::string plugins;       ///< comma-separated
  std::optional<std::uint16_t> dicom_port;
  friend bool operator==(const OrthancFacts&, const OrthancFacts&) = default;
};

[[nodiscard]] InstanceSpec orthanc_spec(std::string_view host, const OrthancFacts& facts);
[[nodiscard]] InstanceSpec other_spec(std::string_view host, std::string_view service, std::uint16_t port,
                                      std::string_view server_header);

/// The facts that an earlier run of the daemon put into `spec`.
[[nodiscard]] OrthancFacts facts_from(const InstanceSpec& spec);

[[nodiscard]] Cause probe_cause(std::string evidence);

}  // namespace rollcall::probe
