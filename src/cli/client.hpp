#pragma once
// Asks a daemon, and waits for what it says.
#include <boost/json/value.hpp>
#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/app.hpp"
#include "cli/server_name.hpp"
#include "net/http_client.hpp"

namespace rollcall::cli {

struct Answer {
  unsigned status = 0;
  std::string body;
};

inline constexpr std::chrono::milliseconds kAskTimeout{10'000};
inline constexpr std::chrono::milliseconds kConnectTimeout{2'000};

/// One thread at a time. An answer that isn't 2xx is an Error with the daemon's own words; no answer is `unavailable`.
class Client {
 public:
  using Verb = boost::beast::http::verb;

  /// With the token of ROLLCALL_TOKEN, which over https nobody hears but whose certificate is in order.
  [[nodiscard]] static Result<Client> open(const Common& common);

  /// In place of ROLLCALL_TOKEN's.
  void use_token(std::string token) { token_ = std::move(token); }

  [[nodiscard]] Result<Answer> ask(Verb verb, std::string target, std::string body = {},
                                   std::chrono::milliseconds timeout = kAskTimeout) const;
  [[nodiscard]] Result<boost::json::value> get(std::string target) const;

  /// A GET whose answer goes on: `take` gets it piece by piece. Ends when the daemon ends it, when `take` wants no
  /// more, or as an error when the connection breaks or is silent for `idle_timeout`.
  [[nodiscard]] Result<void> follow(std::string target, net::TakePiece take,
                                    std::chrono::milliseconds idle_timeout) const;

 private:
  [[nodiscard]] net::HttpRequest request_for(std::string target, std::chrono::milliseconds timeout) const;
  [[nodiscard]] Error explained(net::ConnectFailure failure) const;

  Server server_;
  std::string token_;
  std::optional<net::TlsPeer> tls_;
};

/// What application/problem+json, or only the status, says.
[[nodiscard]] Error error_of(unsigned status, std::string_view body);

/// The member's text; empty if there is none.
[[nodiscard]] std::string text_of(const boost::json::value& object, std::string_view member);

/// `member` as an array; an empty one if there is none.
[[nodiscard]] const boost::json::array& list_of(const boost::json::value& object, std::string_view member);

/// "10.0.0.5:8080", "[::1]:8080"
[[nodiscard]] std::string address_of(const boost::json::value& instance);

}  // namespace rollcall::cli
