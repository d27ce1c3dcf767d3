#pragma once
// Tells from answers alone what listens on a port. Pure: whoever asks brings the replies.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/sample.hpp"
#include "net/http_client.hpp"

namespace rollcall::probe {

/// What an Orthanc says of itself at /system. Ports and AET may be those inside of its container.
struct OrthancIdentity {
  std::string name;
  std::string aet;
  std::string version;
  std::optional<std::uint64_t> api_version;
  std::optional<std::uint64_t> database_version;
  std::optional<std::uint16_t> dicom_port;
  friend bool operator==(const OrthancIdentity&, const OrthancIdentity&) = default;
};

enum class PortKind : std::uint8_t {
  orthanc,         ///< /system told who it is
  orthanc_locked,  ///< an Orthanc by its manner, but it wants a password
  http,            ///< some other web server
  undecided,       ///< refuses /system like a locked Orthanc behind a proxy might: ask for "/" as well
};

struct Fingerprint {
  PortKind kind = PortKind::http;
  OrthancIdentity identity;  ///< only of `orthanc`
  std::string server;        ///< the Server header, empty if none
};

/// Of the reply to GET /system, sent without credentials or with them.
[[nodiscard]] Fingerprint fingerprint_system(const net::HttpReply& system);

/// Of the reply to GET / where /system left it undecided: never `undecided`.
[[nodiscard]] Fingerprint fingerprint_root(const net::HttpReply& root);

/// The members of /system if the body has those that tell an Orthanc.
[[nodiscard]] std::optional<OrthancIdentity> parse_system(std::string_view body);

/// Counts and sizes of /statistics into `sample`; false if the body is something else.
bool parse_statistics(std::string_view body, OrthancSample& sample);

/// Jobs by state of /jobs?expand into `sample`; false if the body is something else.
bool parse_jobs(std::string_view body, OrthancSample& sample);

/// Names of /plugins, sorted and comma-separated, at most `max_bytes`; nothing if the body is something else.
[[nodiscard]] std::optional<std::string> parse_plugins(std::string_view body, std::size_t max_bytes);

}  // namespace rollcall::probe
