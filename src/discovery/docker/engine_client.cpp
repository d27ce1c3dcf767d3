#include "discovery/docker/engine_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <optional>

#include "discovery/docker/engine_way.hpp"
#include "discovery/docker/json_fields.hpp"
#include "discovery/docker/parse.hpp"
#include "net/http_client.hpp"
#include "net/name_resolver.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr unsigned kOurMinor = 41;  // that this folder was written for and tested with

/// Of "1.41"; engines have spoken no other major version.
std::optional<unsigned> minor_of(std::string_view version) {
  if (!version.starts_with("1.")) return std::nullopt;
  unsigned minor = 0;
  const auto [end, error] = std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  return error == std::errc{} && end == version.data() + version.size() ? std::optional(minor) : std::nullopt;
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
  explicit HttpEngineClient(EngineWay way) : way_(std::move(way)) {}

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
    auto found = way_.request(versioned(path));
    auto request = co_await std::move(found);
    if (!request) co_return request.error();
    LineCutter cutter(std::move(take), way_.limits().event_bytes);
    const auto add = [&cutter](std::string_view piece) { return cutter.add(piece), true; };
    auto streamed = net::stream(*std::move(request), add, std::nullopt, std::move(begun));
    const auto reply = co_await std::move(streamed);
    if (!reply) co_return way_.unreachable(reply.error()).error();
    if (reply->status != 200) co_return EngineWay::refusal(*reply).error();
    co_return Error{
        ErrorCode::unavailable, fmt::format("the engine at {} ended its events", to_text(way_.address())), {}};
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
    auto found = way_.request(std::move(target));
    auto request = co_await std::move(found);
    if (!request) co_return std::unexpected(request.error());
    auto asked = net::get(*std::move(request));
    auto reply = co_await std::move(asked);
    if (!reply) co_return way_.unreachable(reply.error());
    if (reply->status != 200) co_return EngineWay::refusal(*reply);
    if (reply->body_cut) {
      co_return fail(ErrorCode::too_large,
                     fmt::format("the engine answers with more than {} bytes", way_.limits().answer_bytes));
    }
    co_return std::move(reply->body);
  }

  const EngineWay way_;
  std::optional<unsigned> minor_;
};

}  // namespace

Result<std::unique_ptr<EngineClient>> EngineClient::make(const DockerConfig& config) {
  auto way = EngineWay::make(config);
  if (!way) return std::unexpected(way.error());
  return std::make_unique<HttpEngineClient>(*std::move(way));
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
