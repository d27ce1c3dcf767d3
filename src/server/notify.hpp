#pragma once
// What systemd is told (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names.
#include <chrono>
#include <optional>
#include <string_view>

namespace rollcall {

/// "READY=1", "STOPPING=1", "WATCHDOG=1". Without NOTIFY_SOCKET nobody is told. False: it couldn't be sent.
bool notify_systemd(std::string_view state) noexcept;

/// How often systemd wants to hear WATCHDOG=1, halved so that one may be late; nothing if it doesn't.
[[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_interval();

}  // namespace rollcall
