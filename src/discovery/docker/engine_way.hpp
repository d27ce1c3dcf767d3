#pragma once
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "discovery/docker/config.hpp"
#include "net/http_client.hpp"

namespace rollcall::docker {

/// How an engine is reached: what every request to it has in common, and what its failures mean.
class EngineWay {
 public:
  /// Reads the files of `config.cert_path`.
  [[nodiscard]] static Result<EngineWay> make(const DockerConfig& config);

  /// A GET of `target`, with the limits of the configuration. Resolves the engine's name.
  [[nodiscard]] boost::asio::awaitable<Result<net::HttpRequest>> request(std::string target) const;

  [[nodiscard]] std::unexpected<Error> unreachable(const net::ConnectFailure& failure) const;
  /// An answer that isn't the one hoped for: `not_found` for 404, else `unavailable`, with what the engine says.
  [[nodiscard]] static std::unexpected<Error> refusal(const net::HttpReply& reply);

  [[nodiscard]] const EngineAddress& address() const noexcept { return address_; }
  [[nodiscard]] const DockerLimits& limits() const noexcept { return limits_; }

 private:
  EngineWay(EngineAddress address, DockerLimits limits, std::shared_ptr<boost::asio::ssl::context> tls)
      : address_(std::move(address)), limits_(limits), tls_(std::move(tls)) {}

  [[nodiscard]] boost::asio::awaitable<std::optional<boost::asio::ip::address>> locate() const;

  EngineAddress address_;
  DockerLimits limits_;
  std::shared_ptr<boost::asio::ssl::context> tls_;  // null: in the clear
};

}  // namespace rollcall::docker
