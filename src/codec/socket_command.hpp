#pragma once
// The socket protocol's commands and answers as values, whichever of its two forms they came in
// (docs/protocols/socket.md).
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"

namespace rollcall::codec {

struct RegisterCommand {
  ServiceName service;
  std::string address;
  std::uint16_t port = 0;
  /// Bound to the connection that it came on: for so long after the connection's end may another one resume it.
  std::optional<std::chrono::milliseconds> bound_grace;
  friend bool operator==(const RegisterCommand&, const RegisterCommand&) = default;
};
struct HeartbeatCommand {
  InstanceId id;
  friend bool operator==(const HeartbeatCommand&, const HeartbeatCommand&) = default;
};
struct QueryCommand {
  ServiceName service;
  friend bool operator==(const QueryCommand&, const QueryCommand&) = default;
};
struct DeregisterCommand {
  InstanceId id;
  friend bool operator==(const DeregisterCommand&, const DeregisterCommand&) = default;
};
/// Binds a bound instance to this connection from now on.
struct ResumeCommand {
  InstanceId id;
  friend bool operator==(const ResumeCommand&, const ResumeCommand&) = default;
};

/// Shows a token; what may be done from now on on this connection is told by its role.
struct AuthCommand {
  std::string token;
  friend bool operator==(const AuthCommand&, const AuthCommand&) = default;
};

/// From then on the connection tells of the service's events, and takes no more commands.
struct WatchCommand {
  ServiceName service;
  std::optional<Revision> after;  ///< without it: from now on
  friend bool operator==(const WatchCommand&, const WatchCommand&) = default;
};

using SocketCommand = std::variant<RegisterCommand, HeartbeatCommand, QueryCommand, DeregisterCommand, ResumeCommand,
                                   AuthCommand, WatchCommand>;

enum class UnknownMembers : std::uint8_t {
  refused,
  ignored,  ///< as the original does
};

/// `{"action":"register","type":"hive","ip":"127.0.0.1","port":65433}` and so on. A port may be a text of digits; an id
/// is `uuid` or `service_uuid`; `grace` needs `bound`.
[[nodiscard]] Result<SocketCommand> decode_command(std::string_view json, UnknownMembers unknown,
                                                   const ModelLimits& limits);

struct SocketAnswer {
  enum class Kind : std::uint8_t { ok, not_found, error, text, json };
  Kind kind = Kind::ok;
  std::string text;  ///< of a text or a json, without line ends

  static SocketAnswer ok() { return {Kind::ok, {}}; }
  static SocketAnswer not_found() { return {Kind::not_found, {}}; }
  static SocketAnswer error() { return {Kind::error, {}}; }

  /// What is sent: "OK", "NOT FOUND", "ERROR", or the text.
  [[nodiscard]] std::string_view words() const noexcept;
};

}  // namespace rollcall::codec
