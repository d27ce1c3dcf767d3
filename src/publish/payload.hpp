#pragma once
// The bodies of messages (docs/protocols/events.md). Private to this folder.
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace rollcall {

/// `{"event":"...","timestamp":1700000000`; the rest of the members and the brace follow.
[[nodiscard]] std::string begin_body(std::string_view event, WallTime at);

/// `1234:service.added`
[[nodiscard]] std::string message_id(std::uint64_t number, std::string_view routing_key);

}  // namespace rollcall
