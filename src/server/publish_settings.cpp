#include <algorithm>
#include <filesystem>
#include <fstream>

#include "publish/rabbitmq/broker_url.hpp"
#include "publish/webhook/webhook_url.hpp"
#include "server/setting_kinds.hpp"

namespace rollcall {
namespace {

constexpr std::size_t kExchangeBytes = 127;
constexpr std::size_t kSecretBytes = 16;

bool set_broker(Settings& settings, std::string_view text) {
  settings.rabbitmq.url = text == "off" ? "" : text;
  return settings.rabbitmq.url.empty() || parse_broker_url(text);
}

bool set_exchange(Settings& settings, std::string_view text) {
  settings.rabbitmq.exchange = text;
  return !text.empty() && text.size() <= kExchangeBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool set_webhook(Settings& settings, std::string_view text) {
  settings.webhook.url = text == "off" ? "" : text;
  return settings.webhook.url.empty() || parse_webhook_url(text);
}

bool set_secret(Settings& settings, std::string_view text) {
  settings.webhook.secret = text;
  return text.size() >= kSecretBytes;
}

/// False also where others may read it.
bool read_secret(Settings& settings, std::string_view path) {
  const std::filesystem::path file(path);
  std::error_code error;
  const auto others = std::filesystem::status(file, error).permissions() & std::filesystem::perms::others_all;
  if (error || others != std::filesystem::perms::none) return false;
  std::ifstream in(file);
  std::string secret;
  return std::getline(in, secret) && set_secret(settings, secret);
}

template <class Member>
Setting pem_file(std::string_view key, std::string_view help, Member member) {
  return {key, "a PEM file", help,
          [member](Settings& settings, std::string_view text) { return member(settings) = text, !text.empty(); },
          [member](const Settings& settings) { return member(const_cast<Settings&>(settings)); }};
}

Setting secret(std::string_view key, std::string_view allowed, std::string_view help,
               bool (*set)(Settings&, std::string_view)) {
  return {key, allowed, help, set, [](const Settings&) { return std::string(); }};
}

}  // namespace

std::vector<Setting> publish_rows() {
  return {
      secret("rabbitmq.url", "amqp://USER:PASSWORD@HOST:PORT/VHOST, amqps:// the same, or off",
             "Where events are published; not on the command line with a password", set_broker),
      {"rabbitmq.exchange", "up to 127 printable ASCII characters without blanks",
       "A durable topic exchange, declared if it isn't there", set_exchange,
       [](const Settings& s) { return s.rabbitmq.exchange; }},
      pem_file("rabbitmq.ca", "Who vouches for the broker, for amqps; unset: whom the system trusts",
               [](Settings& s) -> auto& { return s.rabbitmq.ca; }),
      pem_file("rabbitmq.cert", "Shown to the broker", [](Settings& s) -> auto& { return s.rabbitmq.cert; }),
      pem_file("rabbitmq.key", "Of that certificate", [](Settings& s) -> auto& { return s.rabbitmq.key; }),
      secret("webhook.url", "http://HOST:PORT/PATH, https:// the same, or off", "To whom events are posted",
             set_webhook),
      secret("webhook.secret", "at least 16 bytes", "Signs what is posted; not on the command line", set_secret),
      secret("webhook.secret_file", "a file that others can't read, whose first line is the secret",
             "The same from a file", read_secret),
      pem_file("webhook.ca", "Who vouches for the receiver, for https; unset: whom the system trusts",
               [](Settings& s) -> auto& { return s.webhook.ca; }),
      duration("webhook.timeout", "Of one request",
               [](Settings& s) -> auto& { return s.limits.publish.webhook_timeout; }),
      bytes("publish.keep_bytes", "How much of the past waits for a receiver that is away",
            [](Settings& s) -> auto& { return s.limits.store.outbox_bytes; }),
      duration("publish.health_interval", "Between messages that say how the daemon is",
               [](Settings& s) -> auto& { return s.limits.publish.health_interval; }),
  };
}

Result<void> check_publishing(const Settings& settings) {
  const auto& [url, exchange, ca, cert, key] = settings.rabbitmq;
  if (cert.empty() != key.empty()) {
    return fail(ErrorCode::invalid, cert.empty() ? "needs rabbitmq.cert as well" : "needs rabbitmq.key as well",
                cert.empty() ? "rabbitmq.key" : "rabbitmq.cert");
  }
  if ((!ca.empty() || !cert.empty()) && !url.starts_with("amqps://")) {
    return fail(ErrorCode::invalid, "is for amqps:// alone", ca.empty() ? "rabbitmq.cert" : "rabbitmq.ca");
  }
  if (!settings.webhook.url.empty() && settings.webhook.secret.empty()) {
    return fail(ErrorCode::invalid, "needs webhook.secret_file (or webhook.secret) as well", "webhook.url");
  }
  return {};
}

}  // namespace rollcall
