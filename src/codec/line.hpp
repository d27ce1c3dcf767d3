#pragma once
// The other form of the socket protocol: a command a line, as words or as a JSON object.
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "codec/socket_command.hpp"

namespace rollcall::codec {

/// The line that comes far more often than all others: the ID of `heartbeat ID` where it is plain ASCII. It points into
/// `line`, and nothing is allocated. Nullopt where decode_line() has to look.
[[nodiscard]] std::optional<std::string_view> plain_heartbeat(std::string_view line,
                                                              const ModelLimits& limits) noexcept;

/// `line` without its end. Words are divided by blanks: `register TYPE IP PORT [bound [grace=SECONDS]]`, `heartbeat
/// ID`, `query TYPE`, `deregister ID`, `resume ID`, `auth TOKEN`, `watch TYPE [REVISION]`.
[[nodiscard]] Result<SocketCommand> decode_line(std::string_view line, const ModelLimits& limits);

/// With its end.
void append_line(std::string& out, const SocketAnswer& answer);

}  // namespace rollcall::codec
