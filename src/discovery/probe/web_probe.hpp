#pragma once
// Asks a web port what it is and what it holds. Nothing is decided here but in which order to ask.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "discovery/probe/config.hpp"
#include "discovery/probe/host_book.hpp"

namespace rollcall::probe {

struct WebTarget {
  boost::asio::ip::tcp::endpoint endpoint;
  std::string host_header;
  std::optional<std::string> authorization;  ///< used only once the port was recognised, never logged
  std::chrono::milliseconds connect_timeout{1'000};
  std::chrono::milliseconds answer_timeout{2'000};
};

/// Always asks without credentials first; then with them, if it is an Orthanc that wants a password. Redirects are not
/// followed.
boost::asio::awaitable<WebAnswer> ask_web(WebTarget target);

struct WebDetails {
  OrthancSample counts;
  std::optional<std::string> plugins;
  bool any = false;  ///< something was answered
};

/// Counts, jobs, and with `plugins` the plugins, of what is known to be an Orthanc.
boost::asio::awaitable<WebDetails> ask_details(WebTarget target, bool locked, bool plugins);

/// What a failed connection is evidence of.
[[nodiscard]] Outcome outcome_of(net::Unreachable why) noexcept;

}  // namespace rollcall::probe
