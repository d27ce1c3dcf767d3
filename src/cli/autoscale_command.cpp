// autoscale: asks a daemon what its Swarm's services need, and tells the Swarm.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>

#include "autoscale/rules.hpp"
#include "autoscale/swarm.hpp"
#include "base/log.hpp"
#include "cli/app.hpp"
#include "cli/client.hpp"
#include "cli/table.hpp"
#include "http/message.hpp"

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using autoscale::Decision;
using autoscale::Rules;
using autoscale::Sighting;

constexpr std::string_view kMemoryLimitLabel = "autoscaler.memory.limit_bytes";
constexpr double kRefreshGrace = 2;  ///< samples older than so many windows are too old

struct Line {
  std::string docker, cert_path;
  double interval_s = 30, cooldown_s = 60, window_s = 60;
  bool apply = false, once = false;
};

Duration from_seconds(double seconds) { return std::chrono::milliseconds(std::llround(seconds * 1000)); }

const json::value& member(const json::value& object, std::string_view name) {
  static const json::value kNone;
  const auto* members = object.if_object();
  const auto* found = members == nullptr ? nullptr : members->if_contains(name);
  return found == nullptr ? kNone : *found;
}

double number(const json::value& object, std::string_view name) {
  const auto& value = member(object, name);
  return value.is_number() ? value.to_number<double>() : 0;
}

std::uint32_t count(const json::value& object, std::string_view name) {
  return static_cast<std::uint32_t>(number(object, name));
}

/// What /services says of it; its load is still to come.
Sighting sighting_of(const json::value& entry) {
  Sighting seen;
  seen.replicated = text_of(entry, "mode") == "replicated";
  seen.replicas = count(entry, "current_replicas");
  const auto& thresholds = member(entry, "thresholds");
  seen.scaling = {.metric = text_of(entry, "metric") == "memory" ? ScalingMetric::memory : ScalingMetric::cpu,
                  .cpu_threshold = number(thresholds, "cpu"),
                  .memory_threshold = number(thresholds, "memory"),
                  .min_replicas = count(entry, "min_replicas"),
                  .max_replicas = count(entry, "max_replicas")};
  return seen;
}

/// Per cent of what the label allows each task; empty where it allows nothing in particular.
std::optional<double> memory_load(const json::value& entry, const json::value& metrics) {
  const auto text = text_of(member(entry, "labels"), kMemoryLimitLabel);
  char* end = nullptr;
  const double limit = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(limit > 0)) return std::nullopt;
  return number(metrics, "memory_bytes") / limit * 100;
}

/// Times are the daemon's own.
void add_load(Sighting& seen, const json::value& entry, const json::value& answer) {
  const auto& metrics = member(answer, "metrics");
  seen.tasks_sampled = count(metrics, "tasks_sampled");
  seen.tasks_running = count(metrics, "tasks_running");
  seen.load_age = from_seconds(number(answer, "timestamp") - number(metrics, "timestamp"));
  if (seen.scaling.metric == ScalingMetric::cpu) {
    seen.load = number(metrics, "cpu_pct");
  } else {
    seen.load = memory_load(entry, metrics);
    seen.no_load_because = fmt::format("its label {} is missing or no number of bytes", kMemoryLimitLabel);
  }
}

/// What the registry says that it doesn't see; empty while it sees the Swarm.
std::string blindness(const json::value& health) {
  for (const auto& provider : list_of(health, "providers")) {
    if (text_of(provider, "name") == "docker" && text_of(provider, "ok") != "true") return text_of(provider, "detail");
  }
  return {};
}

struct Verdict {
  const std::string& service;
  const Sighting& seen;
  const Decision& decision;
  std::string_view what;  ///< "keeps", "scales", "would scale", "failed"
};
using Tell = std::function<void(const Verdict&)>;

void log_verdict(const Verdict& verdict) {
  log::info("autoscale", "{}: {} {} -> {}: {}", verdict.service, verdict.what, verdict.seen.replicas,
            verdict.decision.replicas, verdict.decision.evidence);
}

void print_verdict(const Verdict& verdict) {
  const auto& seen = verdict.seen;
  const json::object line{{"service", verdict.service},
                          {"decision", verdict.what},
                          {"from", seen.replicas},
                          {"to", verdict.decision.replicas},
                          {"evidence", verdict.decision.evidence},
                          {"tasks_sampled", seen.tasks_sampled},
                          {"tasks_running", seen.tasks_running},
                          {"load", seen.load ? json::value(*seen.load) : json::value()}};
  fmt::print("{}\n", json::serialize(line));
  std::fflush(stdout);
}

void add_row(Table& table, const Verdict& verdict) {
  const auto& [service, seen, decision, what] = verdict;
  table.add({service, std::string(what), fmt::format("{} -> {}", seen.replicas, decision.replicas),
             seen.load ? fmt::format("{:.1f} %", *seen.load) : "", decision.evidence});
}

class Autoscaler {
 public:
  Autoscaler(const Common& common, autoscale::Swarm* swarm, const Line& line, Tell tell)
      : common_(common),
        swarm_(swarm),
        window_s_(line.window_s),
        rules_{.cooldown = from_seconds(line.cooldown_s), .oldest_load = from_seconds(kRefreshGrace * line.window_s)},
        tell_(std::move(tell)) {}

  /// One look at every service. The daemon may have another address than the last time: a Swarm gives each task its
  /// own.
  Result<void> look() {
    auto client = Client::open(common_);
    if (!client) return std::unexpected(client.error());
    client_ = std::move(*client);
    const auto health = client_->get("/health");
    if (!health) return std::unexpected(health.error());
    if (const auto why = blindness(*health); !why.empty()) {
      return fail(ErrorCode::unavailable, "the registry doesn't see the Swarm: " + why);
    }
    const auto services = client_->get("/services");
    if (!services) return std::unexpected(services.error());
    for (const auto& entry : list_of(*services, "services")) {
      if (text_of(entry, "mode") == "replicated") judge(entry);
    }
    return {};
  }

 private:
  void judge(const json::value& entry) {
    const auto name = text_of(entry, "name");
    auto seen = sighting_of(entry);
    const auto metrics =
        client_->get(fmt::format("/services/{}/metrics?window={:.0f}", http::percent_encode_segment(name), window_s_));
    if (metrics) {
      add_load(seen, entry, *metrics);
    } else {
      seen.no_load_because = metrics.error().message;
    }
    const auto last = scaled_.find(name);
    const auto since = last == scaled_.end() ? std::nullopt : std::optional(clock_.now() - last->second);
    const auto decision = autoscale::decide(seen, since, rules_);
    if (decision.replicas == seen.replicas) return say(name, seen, decision, "keeps");
    carry_out(name, text_of(entry, "id"), seen, decision);
  }

  void carry_out(const std::string& name, const std::string& id, const Sighting& seen, const Decision& decision) {
    scaled_[name] = clock_.now();
    if (swarm_ == nullptr) {
      remark(name, seen, decision, "would scale");
      return say(name, seen, decision, "would scale");
    }
    if (const auto done = swarm_->scale(id, seen.replicas, decision.replicas); !done) {
      return say(name, seen, {seen.replicas, decision.evidence + "; but " + done.error().message}, "failed");
    }
    remark(name, seen, decision, "scales");
    say(name, seen, decision, "scales");
  }

  /// The service's history is to tell why. It was done all the same if that fails.
  void remark(const std::string& name, const Sighting& seen, const Decision& decision, std::string_view what) {
    const json::object body{{"text", fmt::format("autoscaler {} it from {} to {} replicas: {}", what, seen.replicas,
                                                 decision.replicas, decision.evidence)}};
    const auto said =
        client_->ask(Client::Verb::post, fmt::format("/services/{}/remarks", http::percent_encode_segment(name)),
                     json::serialize(body));
    if (!said) log::warning("autoscale", "{}: the decision isn't in the history: {}", name, said.error().message);
  }

  void say(const std::string& name, const Sighting& seen, const Decision& decision, std::string_view what) const {
    tell_({name, seen, decision, what});
  }

  const Common& common_;
  std::optional<Client> client_;
  autoscale::Swarm* const swarm_;  // null: nothing is changed
  const double window_s_;
  const Rules rules_;
  const Tell tell_;
  const SystemClock clock_;
  std::map<std::string, MonoTime> scaled_;
};

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// Until it is time again; false: it is time to end.
bool pause(double interval_s, const sigset_t& signals) {
  const auto whole = std::floor(interval_s);
  const timespec pause{.tv_sec = static_cast<time_t>(whole), .tv_nsec = static_cast<long>((interval_s - whole) * 1e9)};
  return sigtimedwait(&signals, nullptr, &pause) < 0 && (errno == EAGAIN || errno == EINTR);
}

int look_once(Autoscaler& autoscaler) {
  const auto looked = autoscaler.look();
  return looked ? 0 : complain(looked.error());
}

int look_on(Autoscaler& autoscaler, const Line& line) {
  const auto signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  log::info("main", "autoscaler initialized: it {}", line.apply ? "scales" : "only says what it would do (--apply)");
  do {
    const auto looked = autoscaler.look();
    if (!looked) log::warning("autoscale", "nothing is scaled: {}", looked.error().message);
  } while (pause(line.interval_s, signals));
  return 0;
}

/// One look is for who reads it: a table. What goes on is a log, and with --json lines for machines as well.
int autoscale(const Common& common, const Line& line) {
  log::set_role("autoscaler");
  const auto client = Client::open(common);
  if (!client && client.error().code != ErrorCode::unavailable) return complain(client.error());
  std::unique_ptr<autoscale::Swarm> swarm;
  if (line.apply) {
    auto opened = autoscale::Swarm::open(line.docker, line.cert_path);
    if (!opened) return complain(opened.error());
    swarm = std::move(*opened);
  }
  Table table({"SERVICE", "DECISION", "REPLICAS", "LOAD", "WHY"});
  const auto tell = [&](const Verdict& verdict) {
    if (!line.once) log_verdict(verdict);
    if (common.json) print_verdict(verdict);
    if (line.once && !common.json) add_row(table, verdict);
  };
  Autoscaler autoscaler(common, swarm.get(), line, tell);
  if (!line.once) return look_on(autoscaler, line);
  const int code = look_once(autoscaler);
  if (code == 0 && !common.json) fmt::print("{}", table.text(false));
  return code;
}

std::string or_else(const char* variable, std::string fallback) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : fallback;
}

}  // namespace

void add_autoscale_command(Program& program) {
  const auto line = std::make_shared<Line>();
  line->docker = or_else("DOCKER_BASE_URL", "unix:///var/run/docker.sock");
  line->cert_path = or_else("DOCKER_CERT_PATH", {});
  line->apply = or_else("AUTOSCALER_APPLY", {}) == "true";
  auto& command = program.add_client(
      "autoscale",
      "Scale a Swarm's services by what their tasks use: one task more above the threshold of the label, one less "
      "below half of it. Without --apply it only says what it would do. Every decision that changes something becomes "
      "an event of the service, with its evidence. It never judges by part of the tasks, by old figures, or while the "
      "daemon doesn't see the Swarm.",
      "  rollcall autoscale --once              what would be done now\n"
      "  rollcall autoscale --apply --cooldown 120",
      [&program, line] { return autoscale(program.common(), *line); });
  const CLI::Range positive(0.1, 86400.0);
  command.add_option("--docker", line->docker, "A manager's engine, to be changed; else DOCKER_BASE_URL")
      ->type_name("URL")
      ->default_str("unix:///var/run/docker.sock");
  command
      .add_option("--docker-cert-path", line->cert_path,
                  "The folder of ca.pem, cert.pem and key.pem; else DOCKER_CERT_PATH")
      ->type_name("DIR");
  command.add_option("--interval", line->interval_s, "Between two looks")
      ->type_name("SECONDS")
      ->check(positive)
      ->capture_default_str();
  command.add_option("--cooldown", line->cooldown_s, "Of one service, after it was scaled")
      ->type_name("SECONDS")
      ->check(positive)
      ->capture_default_str();
  command.add_option("--window", line->window_s, "Over which load is averaged; figures twice as old aren't believed")
      ->type_name("SECONDS")
      ->check(CLI::Range(1.0, 3600.0))
      ->capture_default_str();
  command.add_flag("--apply", line->apply, "Change the Swarm; else AUTOSCALER_APPLY=true");
  command.add_flag("--once", line->once, "Look once and end");
}

}  // namespace rollcall::cli
