#include "discovery/docker/engine_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <optional>

#include "discovery/docker/json_fields.hpp"
#include "discovery/docker/parse.hpp"
#include "net/http_client.hpp"
#include "net/name_resolver.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr unsigned kOurMinor = 41;  // that this folder was written for and tested with
constexpr std::size_t kShownBytes = 300;

/// Of "1.41"; engines have spoken no other major version.
std::optional<unsigned> minor_of(std::string_view version) {
  if (!version.starts_with("1.")) return std::nullopt;
  unsigned minor = 0;
  const auto [end, error] = std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  return error == std::errc{} && end == version.data() + version.size() ? std::optional(minor) : std::nullopt;
}

/// What an engine writes in place of an answer: {"message": "..."}.
std::string reason_in(const std::string& body) {
  const auto answer = parse_object(body, "error");
  auto reason = answer ? text_at(*answer, "message") : body;
  std::ranges::replace_if(reason, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (reason.size() > kShownBytes) reason.resize(kShownBytes);
  return reason;
}

/// Cuts a stream into lines; one that is longer than `most` is dropped.
class LineCutter {
 public:
  LineCutter(EngineClient::TakeLine take, std::size_t most) : take_(std::move(take)), most_(most) {}

  void add(std::string_view piece) {
    for (auto end = piece.find('\n'); end != piece.npos; end = piece.find('\n')) {
      keep(piece.substr(0, end));
      if (!too_long_ && !line_.empty()) take_(line_);
      line_.clear();
      too_long_ = false;
      piece.remove_prefix(end + 1);
    }
    keep(piece);
  }

 private:
  void keep(std::string_view piece) {
    too_long_ = too_long_ || line_.size() + piece.size() > most_;
    if (!too_long_) line_ += piece;
  }

  EngineClient::TakeLine take_;
  const std::size_t most_;
  std::string line_;
  bool too_long_ = false;
};

class HttpEngineClient final : public EngineClient {
 public:
  HttpEngineClient(EngineAddress address, DockerLimits limits, std::shared_ptr<asio::ssl::context> tls)
      : address_(std::move(address)), limits_(limits), tls_(std::move(tls)) {}

  bool speaks(unsigned minor) const noexcept override { return minor_ && *minor_ >= minor; }
  std::string version() const override { return minor_ ? fmt::format("1.{}", *minor_) : std::string(); }

  asio::awaitable<Result<VersionInfo>> negotiate() override {
    auto asked = ask("/version");
    const auto body = co_await std::move(asked);
    if (!body) co_return std::unexpected(body.error());
    auto theirs = parse_version(*body);
    if (!theirs) co_return theirs;
    const auto newest = minor_of(theirs->api);
    if (!newest) co_return not_an_answer("version");
    minor_ = std::max(std::min(kOurMinor, *newest), minor_of(theirs->min_api).value_or(0));
    co_return theirs;
  }

  asio::awaitable<Result<std::string>> get(std::string path) override {
    auto agreed = agree();
    if (auto ok = co_await std::move(agreed); !ok) co_return std::unexpected(ok.error());
    auto asked = ask(versioned(path));
    co_return co_await std::move(asked);
  }

  asio::awaitable<Error> follow(std::string path, TakeLine take, std::function<void()> begun) override {
    auto agreed = agree();
    if (auto ok = co_await std::move(agreed); !ok) co_return ok.error();
    auto found = request_for(versioned(path));
    auto request = co_await std::move(found);
    if (!request) co_return request.error();
    LineCutter cutter(std::move(take), limits_.event_bytes);
    const auto add = [&cutter](std::string_view piece) { return cutter.add(piece), true; };
    auto streamed = net::stream(*std::move(request), add, std::nullopt, std::move(begun));
    const auto reply = co_await std::move(streamed);
    if (!reply) co_return unreachable(reply.error()).error();
    if (reply->status != 200) co_return refusal(*reply).error();
    co_return Error{ErrorCode::unavailable, fmt::format("the engine at {} ended its events", to_text(address_)), {}};
  }

 private:
  asio::awaitable<Result<void>> agree() {
    if (minor_) co_return Result<void>();
    auto negotiated = negotiate();
    const auto agreed = co_await std::move(negotiated);
    co_return agreed ? Result<void>() : std::unexpected(agreed.error());
  }

  [[nodiscard]] std::string versioned(const std::string& path) const { return fmt::format("/v1.{}{}", *minor_, path); }

  asio::awaitable<Result<std::string>> ask(std::string target) {
    auto found = request_for(std::move(target));
    auto request = co_await std::move(found);
    if (!request) co_return std::unexpected(request.error());
    auto asked = net::get(*std::move(request));
    auto reply = co_await std::move(asked);
    if (!reply) co_return unreachable(reply.error());
    if (reply->status != 200) co_return refusal(*reply);
    if (reply->body_cut) {
      co_return fail(ErrorCode::too_large,
                     fmt::format("the engine answers with more than {} bytes", limits_.answer_bytes));
    }
    co_return std::move(reply->body);
  }

  /// The one place that makes a request.
  asio::awaitable<Result<net::HttpRequest>> request_for(std::string target) const {
    net::HttpRequest request;
    request.target = std::move(target);
    request.timeout = limits_.answer_timeout;
    request.connect_timeout = limits_.connect_timeout;
    request.max_body_bytes = limits_.answer_bytes;
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

  asio::awaitable<std::optional<asio::ip::address>> locate() const {
    boost::system::error_code is_a_name;
    const auto address = asio::ip::make_address(address_.host, is_a_name);
    if (!is_a_name) co_return address;
    auto resolved = net::resolve(address_.host);
    co_return co_await std::move(resolved);
  }

  [[nodiscard]] std::unexpected<Error> unreachable(const net::ConnectFailure& failure) const {
    return fail(ErrorCode::unavailable,
                fmt::format("the engine at {} can't be reached: {}", to_text(address_), failure.evidence));
  }

  [[nodiscard]] static std::unexpected<Error> refusal(const net::HttpReply& reply) {
    return fail(reply.status == 404 ? ErrorCode::not_found : ErrorCode::unavailable,
                fmt::format("the engine answered {}: {}", reply.status, reason_in(reply.body)));
  }

  const EngineAddress address_;
  const DockerLimits limits_;
  const std::shared_ptr<asio::ssl::context> tls_;
  std::optional<unsigned> minor_;
};

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

Result<std::unique_ptr<EngineClient>> EngineClient::make(const DockerConfig& config) {
  auto address = config.address;
  const bool over_tcp = address.kind != EngineAddress::Kind::unix_socket;
  if (over_tcp && !config.cert_path.empty()) address.kind = EngineAddress::Kind::tls;
  if (address.kind != EngineAddress::Kind::tls)
    return std::make_unique<HttpEngineClient>(std::move(address), config.limits, nullptr);
  auto loaded = load_certificates(config.cert_path);
  if (!loaded) return std::unexpected(loaded.error());
  return std::make_unique<HttpEngineClient>(std::move(address), config.limits, *std::move(loaded));
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").contains(c);
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string filters(const std::vector<std::pair<std::string, std::vector<std::string>>>& conditions) {
  json::object object;
  for (const auto& [key, values] : conditions) {
    auto& list = object[key].emplace_array();
    for (const auto& value : values) list.emplace_back(value);
  }
  return percent_encoded(json::serialize(object));
}

}  // namespace rollcall::docker
