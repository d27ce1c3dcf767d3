#include "autoscale/swarm.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "autoscale/service_spec.hpp"
#include "discovery/docker/engine_client.hpp"
#include "discovery/docker/engine_way.hpp"

namespace rollcall::autoscale {
namespace {

namespace asio = boost::asio;

/// What an engine answers to a version that isn't the newest: it has no status of its own.
constexpr std::string_view kOutOfSequence = "out of sequence";

Error explained(Error refused) {
  if (refused.message.contains(kOutOfSequence)) {
    refused = {ErrorCode::conflict, "somebody else has changed the service meanwhile", {}};
  }
  return refused;
}

class EngineSwarm final : public Swarm {
 public:
  EngineSwarm(docker::EngineWay way, std::unique_ptr<docker::EngineClient> client)
      : way_(std::move(way)), client_(std::move(client)) {}

  Result<void> scale(const std::string& service_id, std::uint32_t from, std::uint32_t to) override {
    std::optional<Result<void>> outcome;
    asio::io_context io{1};
    asio::co_spawn(io, change(service_id, from, to), [&outcome](const std::exception_ptr& failed, Result<void> done) {
      outcome = failed ? fail(ErrorCode::internal, "the request to the engine failed") : std::move(done);
    });
    io.run();
    return *std::move(outcome);
  }

 private:
  asio::awaitable<Result<void>> change(std::string service_id, std::uint32_t from, std::uint32_t to) {
    const auto path = "/services/" + docker::percent_encoded(service_id);
    auto reading = client_->get(path);
    const auto service = co_await std::move(reading);
    if (!service) co_return std::unexpected(service.error());
    auto scaled = scaled_spec(*service, from, to);
    if (!scaled) co_return std::unexpected(scaled.error());
    auto updating = update(fmt::format("/v{}{}/update?version={}", client_->version(), path, scaled->version),
                           std::move(scaled->json));
    co_return co_await std::move(updating);
  }

  asio::awaitable<Result<void>> update(std::string target, std::string spec) {
    auto preparing = way_.request(std::move(target));
    auto request = co_await std::move(preparing);
    if (!request) co_return std::unexpected(request.error());
    request->method = boost::beast::http::verb::post;
    request->body = std::move(spec);
    auto sending = net::send(*std::move(request));
    const auto reply = co_await std::move(sending);
    if (!reply) co_return way_.unreachable(reply.error());
    if (reply->status != 200) co_return std::unexpected(explained(docker::EngineWay::refusal(*reply).error()));
    co_return Result<void>();
  }

  const docker::EngineWay way_;
  const std::unique_ptr<docker::EngineClient> client_;
};

}  // namespace

Result<std::unique_ptr<Swarm>> Swarm::open(std::string_view url, const std::string& cert_path) {
  DockerConfig config;
  auto address = parse_engine_url(url, "--docker");
  if (!address) return std::unexpected(address.error());
  config.address = *std::move(address);
  config.cert_path = cert_path;
  auto way = docker::EngineWay::make(config);
  if (!way) return std::unexpected(way.error());
  auto client = docker::EngineClient::make(config);
  if (!client) return std::unexpected(client.error());
  return std::make_unique<EngineSwarm>(*std::move(way), *std::move(client));
}

}  // namespace rollcall::autoscale
