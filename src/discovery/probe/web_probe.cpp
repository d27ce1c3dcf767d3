#include "discovery/probe/web_probe.hpp"

#include <fmt/format.h>

namespace rollcall::probe {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxSystemBytes = 64 * 1024;
constexpr std::size_t kMaxJobsBytes = 1024 * 1024;
constexpr std::size_t kMaxPluginsBytes = 4096;

net::HttpRequest request_for(const WebTarget& target, std::string path, std::size_t max_bytes, bool with_credentials) {
  net::HttpRequest request;
  request.endpoint = target.endpoint;
  request.host = target.host_header;
  request.target = std::move(path);
  if (with_credentials) request.authorization = target.authorization;
  request.timeout = target.answer_timeout;
  request.connect_timeout = target.connect_timeout;
  request.max_body_bytes = max_bytes;
  return request;
}

WebAnswer failed_answer(const net::ConnectFailure& failure) {
  WebAnswer answer;
  answer.outcome = outcome_of(failure.why);
  answer.evidence = failure.evidence;
  answer.connected = failure.connected;
  return answer;
}

WebAnswer answer_from(const Fingerprint& print, const WebTarget& target, double elapsed_ms) {
  WebAnswer answer;
  answer.connected = answer.is_http = true;
  answer.response_time_ms = elapsed_ms;
  answer.server = print.server;
  switch (print.kind) {
    case PortKind::orthanc:
      answer.outcome = Outcome::answered;
      answer.identity = print.identity;
      answer.evidence = fmt::format("answered /system in {:.1f} ms", elapsed_ms);
      break;
    case PortKind::orthanc_locked:
      answer.outcome = Outcome::answered;
      answer.locked = true;
      answer.evidence = fmt::format("asked for a password in {:.1f} ms", elapsed_ms);
      break;
    case PortKind::http:
    case PortKind::undecided:
      answer.outcome = Outcome::foreign;
      answer.evidence = fmt::format("{} answers, but not as an Orthanc", net::to_text(target.endpoint));
      break;
  }
  return answer;
}

asio::awaitable<std::optional<std::string>> body_of(WebTarget target, std::string path, std::size_t max_bytes,
                                                    bool with_credentials) {
  auto request = request_for(target, std::move(path), max_bytes, with_credentials);
  const auto reply = co_await net::get(std::move(request));
  if (!reply || reply->status != 200 || reply->body_cut) co_return std::nullopt;
  co_return reply->body;
}

}  // namespace

Outcome outcome_of(net::Unreachable why) noexcept {
  switch (why) {
    case net::Unreachable::refused:
      return Outcome::refused;
    case net::Unreachable::timed_out:
    case net::Unreachable::broken:
      return Outcome::silent;
    case net::Unreachable::no_route:
    case net::Unreachable::no_resources:
      return Outcome::no_evidence;
  }
  return Outcome::no_evidence;
}

asio::awaitable<WebAnswer> ask_web(WebTarget target) {
  auto first = request_for(target, "/system", kMaxSystemBytes, false);
  const auto reply = co_await net::get(std::move(first));
  if (!reply) co_return failed_answer(reply.error());
  Fingerprint print = fingerprint_system(*reply);
  if (print.kind == PortKind::undecided) {
    auto second = request_for(target, "/", 0, false);
    const auto root = co_await net::get(std::move(second));
    if (!root) co_return failed_answer(root.error());
    print = fingerprint_root(*root);
  }
  WebAnswer answer = answer_from(print, target, reply->elapsed_ms);
  if (!answer.locked || !target.authorization) co_return answer;
  const auto body = co_await body_of(target, "/system", kMaxSystemBytes, true);
  if (body) answer.identity = parse_system(*body);
  co_return answer;
}

asio::awaitable<WebDetails> ask_details(WebTarget target, bool locked, bool plugins) {
  WebDetails details;
  if (locked && !target.authorization) co_return details;
  const auto statistics = co_await body_of(target, "/statistics", kMaxSystemBytes, locked);
  if (statistics) details.any = parse_statistics(*statistics, details.counts);
  const auto jobs = co_await body_of(target, "/jobs?expand", kMaxJobsBytes, locked);
  if (jobs) details.any = parse_jobs(*jobs, details.counts) || details.any;
  if (!plugins) co_return details;
  const auto names = co_await body_of(target, "/plugins", kMaxSystemBytes, locked);
  if (names) details.plugins = parse_plugins(*names, kMaxPluginsBytes);
  details.any = details.any || details.plugins.has_value();
  co_return details;
}

}  // namespace rollcall::probe
