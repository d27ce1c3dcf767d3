#include "codec/frame.hpp"
#include "server/setting_kinds.hpp"

namespace rollcall {

std::vector<Setting> socket_rows() {
  return {
      count("socket.connections", "At one time", [](Settings& s) -> auto& { return s.limits.socket.connections; }),
      duration("socket.request_timeout", "From the first byte of a line or frame to its last",
               [](Settings& s) -> auto& { return s.limits.socket.request_timeout; }),
      duration("socket.idle_timeout", "Between lines, and for a reader that takes nothing",
               [](Settings& s) -> auto& { return s.limits.socket.idle_timeout; }),
      duration("socket.linger_timeout", "For a peer to see a last answer and close",
               [](Settings& s) -> auto& { return s.limits.socket.linger_timeout; }),
      bytes("socket.line_bytes", "Of one line", [](Settings& s) -> auto& { return s.limits.socket.line_bytes; }),
      {"socket.frame_header_bytes", "a number of bytes, at most 2303", "Of one frame's header",
       [](Settings& s, std::string_view text) {
         const auto value = parse_with_unit(text, kByteUnits, 1);
         if (!value || *value == 0 || *value > codec::kFrameHeaderMost) return false;
         s.limits.socket.frame_header_bytes = *value;
         return true;
       },
       [](const Settings& s) { return fmt::format("{}", s.limits.socket.frame_header_bytes); }},
      bytes("socket.frame_bytes", "Of one frame's content",
            [](Settings& s) -> auto& { return s.limits.socket.frame_bytes; }),
      count("socket.pipelined_commands", "Answered in one write",
            [](Settings& s) -> auto& { return s.limits.socket.pipelined_commands; }),
      bytes("socket.pipelined_bytes", "Answered in one write",
            [](Settings& s) -> auto& { return s.limits.socket.pipelined_bytes; }),
      count("socket.bound_per_connection", "Instances that are bound to one connection",
            [](Settings& s) -> auto& { return s.limits.socket.bound_per_connection; }),
      duration("socket.ttl", "Of what is registered; a query shows who beat within it",
               [](Settings& s) -> auto& { return s.limits.socket.ttl; }),
      duration("socket.keepalive", "Silence after which a peer's kernel is asked whether it is there",
               [](Settings& s) -> auto& { return s.limits.socket.keepalive; }),
      count("socket.complaints_per_second", "Log lines about refused commands, for each I/O thread",
            [](Settings& s) -> auto& { return s.limits.socket.complaints_per_second; }),
  };
}

}  // namespace rollcall
