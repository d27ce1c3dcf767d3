#include "cli/registration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "http/message.hpp"

namespace rollcall::cli {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using Verb = Client::Verb;

constexpr std::chrono::milliseconds kBeatTimeout = 3s;
constexpr std::chrono::milliseconds kRetry = 1s;
constexpr int kBeatsPerTtl = 3;

std::string encoded(const std::string& text) { return http::percent_encode_segment(text); }

/// The API takes seconds as a number and texts with a unit.
json::value duration(const std::string& text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) {
    return json::string(text);
  }
  return std::stol(text);
}

Result<json::object> metadata_of(const std::vector<std::string>& entries) {
  json::object metadata;
  for (const auto& entry : entries) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::invalid, fmt::format("is \"{}\"; allowed is KEY=VALUE", entry), "--meta");
    }
    metadata[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return metadata;
}

Result<json::object> check_of(const Registration& registration) {
  json::object check;
  const std::string_view text(registration.check);
  if (text.starts_with("tcp:")) {
    check["tcp"] = text.substr(text.starts_with("tcp://") ? 6 : 4);
  } else if (text.starts_with("http://")) {
    check["http"] = text;
  } else {
    return fail(ErrorCode::invalid,
                fmt::format("is \"{}\"; allowed are tcp:ADDRESS:PORT and http://ADDRESS/PATH", text), "--check");
  }
  if (!registration.check_interval.empty()) check["interval"] = duration(registration.check_interval);
  return check;
}

bool may_pass(const Error& error) { return exit_code_of(error.code) == exit_code_of(ErrorCode::unavailable); }

void say(std::string_view text) { fmt::print(stderr, "rollcall: {}\n", text); }

}  // namespace

Result<std::string> body_of(const Registration& registration) {
  json::object body;
  if (!registration.id.empty()) body["id"] = registration.id;
  if (!registration.address.empty()) body["address"] = registration.address;
  body["port"] = registration.port;
  if (!registration.tags.empty()) body["tags"] = json::array(registration.tags.begin(), registration.tags.end());
  auto metadata = metadata_of(registration.metadata);
  if (!metadata) return std::unexpected(metadata.error());
  if (!metadata->empty()) body["metadata"] = *std::move(metadata);
  if (!registration.ttl.empty()) body["ttl"] = duration(registration.ttl);
  if (!registration.deregister_after.empty()) body["deregister_after"] = duration(registration.deregister_after);
  if (!registration.session.empty()) body["session"] = registration.session;
  if (!registration.check.empty()) {
    auto check = check_of(registration);
    if (!check) return std::unexpected(check.error());
    body["check"] = *std::move(check);
  }
  return json::serialize(body);
}

Result<json::value> send_registration(const Client& client, const Registration& registration) {
  auto body = body_of(registration);
  if (!body) return std::unexpected(body.error());
  auto target = fmt::format("/services/{}/instances", encoded(registration.service));
  if (!registration.id.empty()) target += '/' + encoded(registration.id);
  const auto answer = client.ask(registration.id.empty() ? Verb::post : Verb::put, std::move(target), *std::move(body));
  if (!answer) return std::unexpected(answer.error());
  boost::system::error_code broken;
  auto instance = json::parse(answer->body, broken);
  if (broken) return fail(ErrorCode::incompatible, "the daemon's answer isn't JSON");
  return instance;
}

Result<void> send_heartbeat(const Client& client, const std::string& id, const std::string& session) {
  const auto body = session.empty() ? std::string() : json::serialize(json::object{{"session", session}});
  const auto answer = client.ask(Verb::put, fmt::format("/instances/{}/heartbeat", encoded(id)), body, kBeatTimeout);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Result<void> send_deregistration(const Client& client, const std::string& id, const std::string& session) {
  auto target = "/instances/" + encoded(id);
  if (!session.empty()) target += "?session=" + encoded(session);
  const auto answer = client.ask(Verb::delete_, std::move(target), {}, kBeatTimeout);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Result<void> KeptRegistration::open() {
  const auto result = step();
  if (!result && !may_pass(result.error())) return result;
  note(result);
  return {};
}

void KeptRegistration::start() {
  thread_ = std::thread([this] { run(); });
}

void KeptRegistration::stop() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  // A registration whose outcome we don't know may stand as well.
  if (given_up_ || (!registered_ && !away_)) return;
  registered_ = false;
  const auto gone = send_deregistration(client_, registration_.id, registration_.session);
  if (gone || gone.error().code == ErrorCode::not_found || away_) return;
  say(fmt::format("{} couldn't be deregistered: {}", registration_.id, gone.error().message));
}

void KeptRegistration::run() {
  while (!given_up_) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, pause(), [this] { return stopping_; })) return;
    }
    note(step());
  }
}

std::chrono::milliseconds KeptRegistration::pause() const {
  if (away_ || !registered_) return beat_ == 0ms ? kRetry : std::min(kRetry, beat_);
  return beat_;
}

Result<void> KeptRegistration::step() {
  if (registered_) {
    const auto beat = send_heartbeat(client_, registration_.id, registration_.session);
    if (beat || beat.error().code != ErrorCode::not_found) return beat;
    registered_ = false;
  }
  const auto instance = send_registration(client_, registration_);
  if (!instance) return std::unexpected(instance.error());
  registered_ = true;
  const auto ttl = text_of(*instance, "ttl");  // a number of seconds
  const double seconds = ttl.empty() ? 30 : std::stod(ttl);
  beat_ = std::max(100ms, std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000 / kBeatsPerTtl)));
  return {};
}

void KeptRegistration::note(const Result<void>& result) {
  if (result) {
    if (away_) say(fmt::format("{} is registered again", registration_.id));
    away_ = false;
  } else if (!may_pass(result.error())) {
    say(fmt::format("{} is no longer kept alive: {}", registration_.id, result.error().message));
    given_up_ = true;
  } else if (!away_) {
    say(fmt::format("{} can't be kept alive for now: {}; the command runs on", registration_.id,
                    result.error().message));
    away_ = true;
  }
}

}  // namespace rollcall::cli
