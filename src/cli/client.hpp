#pragma once
// Asks a daemon, and waits for what it says.
#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/app.hpp"
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

  /// `server` is ADDRESS:PORT or NAME:PORT; `token`, if not empty, goes along with each request.
  [[nodiscard]] static Result<Client> open(std::string_view server, std::string token);
  /// With --server, and the token of ROLLCALL_TOKEN.
  [[nodiscard]] static Result<Client> open(const Common& common);

  [[nodiscard]] Result<Answer> ask(Verb verb, std::string target, std::string body = {},
                                   std::chrono::milliseconds timeout = kAskTimeout) const;
  [[nodiscard]] Result<boost::json::value> get(std::string target) const;

  [[nodiscard]] const boost::asio::ip::tcp::endpoint& endpoint() const noexcept { return endpoint_; }

 private:
  boost::asio::ip::tcp::endpoint endpoint_;
  std::string token_;
};

/// ADDRESS:PORT as it is, NAME:PORT by asking the system's resolver.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> resolve(std::string_view server);

/// What application/problem+json, or only the status, says.
[[nodiscard]] Error error_of(unsigned status, std::string_view body);

/// The member's text; empty if there is none.
[[nodiscard]] std::string text_of(const boost::json::value& object, std::string_view member);

/// `member` as an array; an empty one if there is none.
[[nodiscard]] const boost::json::array& list_of(const boost::json::value& object, std::string_view member);

/// "10.0.0.5:8080", "[::1]:8080"
[[nodiscard]] std::string address_of(const boost::json::value& instance);

}  // namespace rollcall::cli
