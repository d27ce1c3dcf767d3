// agent: what happens on one node of a Swarm, told to a daemon.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "base/log.hpp"
#include "cli/app.hpp"
#include "cli/client.hpp"
#include "codec/agent_report.hpp"
#include "http/message.hpp"

namespace rollcall::cli {
namespace {

constexpr std::chrono::milliseconds kTellTimeout{3'000};
constexpr auto kUsualEngine = "unix:///var/run/docker.sock";

struct AgentLine {
  std::string docker;
  std::string cert_path;
  std::string token_file;
  double interval_s = 60;
};

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

Result<std::string> token_in(const std::string& path) {
  std::ifstream file(path);
  std::string token{std::istreambuf_iterator<char>(file), {}};
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.empty()) return fail(ErrorCode::invalid, "can't be read, or is empty", "--token-file");
  return token;
}

Result<Client> client_for(Common common, const std::string& server, const AgentLine& line) {
  common.server = server;
  auto client = Client::open(common);
  if (!client || line.token_file.empty()) return client;
  auto token = token_in(line.token_file);
  if (!token) return std::unexpected(token.error());
  client->use_token(*std::move(token));
  return client;
}

Result<Agent::Config> config_of(const AgentLine& line) {
  Agent::Config config;
  auto address = parse_engine_url(line.docker, "--docker");
  if (!address) return std::unexpected(address.error());
  config.docker.address = *std::move(address);
  config.docker.cert_path = line.cert_path;
  config.metrics.step = std::chrono::milliseconds(static_cast<std::int64_t>(line.interval_s * 1000));
  return config;
}

/// "a,b" are two; nothing is the usual one.
std::vector<std::string> split_servers(const std::string& text) {
  if (text.empty()) return {{}};
  std::vector<std::string> servers;
  for (const auto part : text | std::views::split(',')) servers.emplace_back(std::string_view(part));
  return servers;
}

/// After each failure the next server is told, its name looked up again: it may be elsewhere by then.
class Teller {
 public:
  Teller(const Common& common, const AgentLine& line)
      : common_(common),
        line_(line),
        servers_(split_servers(common.server.empty() ? variable("ROLLCALL_SERVER", "") : common.server)) {}

  /// What can't be right later either.
  [[nodiscard]] Result<void> check() const {
    for (const auto& server : servers_) {
      const auto client = client_for(common_, server, line_);
      if (!client && client.error().code != ErrorCode::unavailable) return std::unexpected(client.error());
    }
    return {};
  }

  [[nodiscard]] Result<AgentWishes> tell(const std::string& node, const AgentReport& report) {
    auto wishes = tell_current(node, report);
    if (!wishes && wishes.error().code == ErrorCode::unavailable) {
      client_.reset();
      current_ = (current_ + 1) % servers_.size();
    }
    return wishes;
  }

 private:
  [[nodiscard]] Result<AgentWishes> tell_current(const std::string& node, const AgentReport& report) {
    if (!client_) {
      auto client = client_for(common_, servers_[current_], line_);
      if (!client) return std::unexpected(client.error());
      client_ = *std::move(client);
    }
    const auto answer = client_->ask(Client::Verb::post, "/agents/" + http::percent_encode_segment(node),
                                     codec::encode_agent_report(report), kTellTimeout);
    if (!answer) return std::unexpected(answer.error());
    return codec::decode_agent_wishes(answer->body, ModelLimits{}, MetricsLimits{}.report_entries);
  }

  const Common& common_;
  const AgentLine& line_;
  const std::vector<std::string> servers_;
  std::size_t current_ = 0;
  std::optional<Client> client_;
};

int run_agent(const Common& common, const AgentLine& line) {
  log::set_role("agent");
  if (common.json) log::set_format(log::Format::json);
  Teller teller(common, line);
  if (const auto ok = teller.check(); !ok) return complain(ok.error());
  const auto config = config_of(line);
  if (!config) return complain(config.error());
  const SystemClock clock;
  const auto agent = make_agent(
      *config, clock, [&teller](const auto& node, const AgentReport& report) { return teller.tell(node, report); });
  if (!agent) return complain(agent.error());
  log::info("agent", "telling {} of the Swarm's tasks at {}", common.server, line.docker);
  (*agent)->run();
  return 0;
}

}  // namespace

void add_agent_command(Program& program) {
  const auto values = std::make_shared<AgentLine>();
  values->docker = variable("DOCKER_HOST", kUsualEngine);
  values->cert_path = variable("DOCKER_CERT_PATH", "");
  auto& command = program.add_client(
      "agent",
      "Tell a daemon that follows a Swarm's manager what happens to the tasks of the node that this runs on, at once, "
      "and what they use. Runs on each node, as a global service. It only reads from the engine. SIGTERM ends it.",
      "  rollcall agent --server https://registry.example:5001 --token-file /run/secrets/rollcall",
      [&program, values] { return run_agent(program.common(), *values); });
  command.add_option("--docker", values->docker, "The node's engine; else DOCKER_HOST, else the usual socket")
      ->type_name("URL")
      ->default_str(kUsualEngine);
  command.add_option("--token-file", values->token_file, "A file with a token that may write; else ROLLCALL_TOKEN")
      ->type_name("FILE");
  command.add_option("--interval", values->interval_s, "Seconds between looks at what containers use")
      ->check(CLI::Range(1.0, 3600.0))
      ->type_name("SECONDS")
      ->capture_default_str();
}

}  // namespace rollcall::cli
