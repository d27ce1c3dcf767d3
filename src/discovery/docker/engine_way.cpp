#include "discovery/docker/engine_way.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "discovery/docker/json_fields.hpp"
#include "net/name_resolver.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kShownBytes = 300;
constexpr std::size_t kReadBytes = 64 * 1024;  // lists are long

/// What an engine writes in place of an answer: {"message": "..."}.
std::string reason_in(const std::string& body) {
  const auto answer = parse_object(body, "error");
  auto reason = answer ? text_at(*answer, "message") : body;
  std::ranges::replace_if(reason, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (reason.size() > kShownBytes) reason.resize(kShownBytes);
  return reason;
}

/// Errors name the setting, as they come from files that it points to.
Result<std::shared_ptr<asio::ssl::context>> load_certificates(const std::string& folder) {
  net::TlsClientFiles files;
  if (!folder.empty()) {
    files = {.ca = folder + "/ca.pem", .cert = folder + "/cert.pem", .key = folder + "/key.pem"};
  }
  auto loaded = net::load_tls_client(files);
  if (!loaded) loaded.error().field = "docker.cert_path";
  return loaded;
}

}  // namespace

Result<EngineWay> EngineWay::make(const DockerConfig& config) {
  auto address = config.address;
  const bool over_tcp = address.kind != EngineAddress::Kind::unix_socket;
  if (over_tcp && !config.cert_path.empty()) address.kind = EngineAddress::Kind::tls;
  if (address.kind != EngineAddress::Kind::tls) return EngineWay(std::move(address), config.limits, nullptr);
  auto loaded = load_certificates(config.cert_path);
  if (!loaded) return std::unexpected(loaded.error());
  return EngineWay(std::move(address), config.limits, *std::move(loaded));
}

asio::awaitable<Result<net::HttpRequest>> EngineWay::request(std::string target) const {
  net::HttpRequest request;
  request.target = std::move(target);
  request.timeout = limits_.answer_timeout;
  request.connect_timeout = limits_.connect_timeout;
  request.max_body_bytes = limits_.answer_bytes;
  request.read_bytes = kReadBytes;
  if (address_.kind == EngineAddress::Kind::unix_socket) {
    request.endpoint = asio::local::stream_protocol::endpoint(address_.path);
    co_return request;
  }
  auto located = locate();
  const auto address = co_await std::move(located);
  if (!address) co_return fail(ErrorCode::unavailable, fmt::format("{} has no address", address_.host));
  request.endpoint = asio::ip::tcp::endpoint(*address, address_.port);
  request.host = to_text(address_).substr(to_text(address_).find("://") + 3);
  if (tls_) request.tls = {.context = tls_, .name = address_.host};
  co_return request;
}

asio::awaitable<std::optional<asio::ip::address>> EngineWay::locate() const {
  boost::system::error_code is_a_name;
  const auto address = asio::ip::make_address(address_.host, is_a_name);
  if (!is_a_name) co_return address;
  auto resolved = net::resolve(address_.host);
  co_return co_await std::move(resolved);
}

std::unexpected<Error> EngineWay::unreachable(const net::ConnectFailure& failure) const {
  return fail(ErrorCode::unavailable,
              fmt::format("the engine at {} can't be reached: {}", to_text(address_), failure.evidence));
}

std::unexpected<Error> EngineWay::refusal(const net::HttpReply& reply) {
  return fail(reply.status == 404 ? ErrorCode::not_found : ErrorCode::unavailable,
              fmt::format("the engine answered {}: {}", reply.status, reason_in(reply.body)));
}

}  // namespace rollcall::docker
