#pragma once
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "discovery/docker/config.hpp"
#include "discovery/docker/objects.hpp"

namespace rollcall::docker {

/// Asks a Docker engine. It reads and nothing else: there is no way to send anything but a GET through it, and nothing
/// else in this folder holds a connection. For one thread; who asks from another makes a client of its own.
class EngineClient {
 public:
  /// Takes a line, without its end.
  using TakeLine = std::function<void(std::string_view)>;

  /// Reads the files of `config.cert_path`.
  [[nodiscard]] static Result<std::unique_ptr<EngineClient>> make(const DockerConfig& config);
  virtual ~EngineClient() = default;

  /// Agrees on the version in which it is asked from now on: ours, unless the engine's newest is older or its oldest
  /// newer. get() and follow() do so by themselves the first time; who reconnects does it again.
  virtual boost::asio::awaitable<Result<VersionInfo>> negotiate() = 0;
  /// Whether what came with API 1.`minor` may be asked for.
  [[nodiscard]] virtual bool speaks(unsigned minor) const noexcept = 0;
  /// "1.41"; empty before the first agreement.
  [[nodiscard]] virtual std::string version() const = 0;

  /// `path` as "/services?status=true", without version. The body of an answer with status 200. Another status:
  /// `not_found` for 404, else `unavailable`, with what the engine says. An engine that isn't there: `unavailable`.
  virtual boost::asio::awaitable<Result<std::string>> get(std::string path) = 0;

  /// An answer that goes on, line by line, until the engine ends it: always an error in the end. `begun`: from now on
  /// nothing is missed.
  virtual boost::asio::awaitable<Error> follow(std::string path, TakeLine take, std::function<void()> begun) = 0;
};

/// A query's value.
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// `{"KEY":["VALUE",...],...}` as ?filters= takes it, percent-encoded.
[[nodiscard]] std::string filters(const std::vector<std::pair<std::string, std::vector<std::string>>>& conditions);

}  // namespace rollcall::docker
