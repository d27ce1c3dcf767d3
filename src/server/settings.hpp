#pragma once
// What the daemon is told: flags over environment over a TOML file over defaults. One table names every setting, so
// that each has the same key in all three, a check and a line of help (docs/configuration.md).
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "discovery/check/target.hpp"
#include "discovery/docker/config.hpp"
#include "discovery/network.hpp"
#include "discovery/probe/config.hpp"
#include "http/access.hpp"
#include "net/endpoint.hpp"
#include "net/tls.hpp"
#include "publish/rabbitmq/rabbitmq_publisher.hpp"
#include "publish/webhook/webhook_publisher.hpp"

namespace rollcall {

struct Settings {
  boost::asio::ip::tcp::endpoint http{boost::asio::ip::address_v4::loopback(), 5001};  ///< port 0: any free one
  /// The socket protocol; none: it isn't served.
  std::optional<boost::asio::ip::tcp::endpoint> socket{{boost::asio::ip::address_v4::loopback(), 65432}};
  net::TlsFiles tls;  ///< with which HTTP is served
  std::string data_dir = "rollcall-data";
  enum class StoreKind : std::uint8_t { sqlite, memory, postgres };
  StoreKind store = StoreKind::sqlite;
  std::string postgres_connection;  ///< may hold a password
  std::string postgres_schema = "rollcall";
  struct Node {
    std::string name, address;  ///< empty: made of the host's name and where HTTP is served
  };
  Node node;
  std::size_t io_threads = 0;  ///< 0: one a core
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::text;
  std::vector<std::string> notes;                ///< what was given but has no meaning here, for the log
  std::vector<http::Token> tokens, file_tokens;  ///< none: everyone may do everything
  std::vector<std::string> allowed_hosts;        ///< names beside IP addresses and localhost that Host may have
  std::vector<std::string> cors_origins;         ///< whose pages may ask, beside our own
  Limits limits;
  std::size_t services_in_metrics = 0;  ///< whose use /metrics shows
  bool probe_enabled = true;
  bool probe_each_node = false;
  ProbeConfig probe;
  std::string docker_url = "auto";  ///< "auto", "off" or the engine's
  DockerConfig docker;              ///< but for the engine's address
  RabbitMqOptions rabbitmq;         ///< without a URL nothing is published there
  WebhookOptions webhook;           ///< the same
  std::vector<Network> check_networks = default_check_networks();
};

[[nodiscard]] std::string_view name_of(Settings::StoreKind kind) noexcept;

/// One row of the table.
struct Setting {
  std::string_view key;      ///< "http.body_bytes"; in the environment ROLLCALL_HTTP_BODY_BYTES
  std::string_view allowed;  ///< what a value may be, for people
  std::string_view help;
  std::function<bool(Settings&, std::string_view value)> set;  ///< false: the value isn't allowed
  std::function<std::string(const Settings&)> show;
};
[[nodiscard]] std::span<const Setting> settings_table();

/// Where a value came from, for the error: "--http", "ROLLCALL_HTTP", "rollcall.toml: http.body_bytes".
[[nodiscard]] Result<void> set(Settings& settings, std::string_view key, std::string_view value,
                               std::string_view origin);

/// The text of a file of that name, as far as it goes without a fault.
[[nodiscard]] Result<void> apply_toml(Settings& settings, std::string_view text, const std::string& file);

using Environment = std::map<std::string, std::string>;
[[nodiscard]] Environment system_environment();

struct CommandLine {
  std::optional<std::string> config_file;
  std::vector<std::pair<std::string, std::string>> values;  ///< key and value, in order
};

/// All layers. The error's field is the origin, its message has the value and what is allowed.
[[nodiscard]] Result<Settings> load_settings(const CommandLine& line, const Environment& environment);

/// What settings of publishing need of each other.
[[nodiscard]] Result<void> check_publishing(const Settings& settings);

/// docs/configuration.md's table.
[[nodiscard]] std::string describe_settings();

}  // namespace rollcall
