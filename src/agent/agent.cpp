#include "agent/agent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "agent/node_book.hpp"
#include "base/log.hpp"
#include "discovery/docker/engine_client.hpp"
#include "discovery/docker/parse.hpp"
#include "discovery/docker/usage_sampler.hpp"
#include "net/io_loop.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::string_view kLogger = "agent";
constexpr auto kBeat = 1s;  // a third of what a server takes for a sign that an agent is gone: docker.agent_silence
constexpr auto kShortestPause = 100ms;
constexpr auto kLongestPause = 5s;

std::string swarms_only() { return docker::filters({{"label", {std::string(docker::kTaskLabel)}}}); }

std::string events_path() {
  return "/events?filters=" + docker::filters({{"type", {"container"}},
                                               {"label", {std::string(docker::kTaskLabel)}},
                                               {"event", {"start", "die", "health_status", "pause", "unpause"}}});
}

std::string text_at(const docker::Labels& labels, std::string_view key) {
  const auto* found = docker::find_label(labels, key);
  return found == nullptr ? std::string() : *found;
}

ContainerHealth health_told_by(const std::string& action) {
  if (action.ends_with(": healthy")) return ContainerHealth::healthy;
  return action.ends_with(": unhealthy") ? ContainerHealth::unhealthy : ContainerHealth::none;
}

/// Says that something fails when it begins to, and that it works again.
class Trouble {
 public:
  explicit Trouble(std::string_view with) : with_(with) {}
  void is(const std::string& what) {
    if (!there_) log::warning(kLogger, "{}: {}", with_, what);
    there_ = true;
  }
  void ends() {
    if (there_) log::info(kLogger, "{}: all is well again", with_);
    there_ = false;
  }

 private:
  const std::string_view with_;
  bool there_ = false;
};

class EngineAgent final : public Agent {
 public:
  EngineAgent(std::unique_ptr<docker::EngineClient> client, const Clock& clock, Send send)
      : client_(std::move(client)), clock_(clock), send_(std::move(send)) {}

  /// Before run().
  Result<void> add_sampler(const Config& config) {
    auto made = make_usage_sampler(
        config.docker, config.metrics, clock_, [this](auto take) { take(running_containers()); },
        [this](const InstanceId& task, const Sample& sample) { sampled(task.str(), *sample.usage); });
    if (!made) return std::unexpected(made.error());
    sampler_ = *std::move(made);
    return {};
  }

  void run() override {
    signals_.async_wait([this](const boost::system::error_code& cancelled, int) {
      if (!cancelled) stop();
    });
    spawn(follow());
    std::thread engine([this] { net::run_io_loop(io_, kLogger); });
    sampler_->start();
    tell();
    sampler_->stop();
    io_.stop();
    engine.join();
  }

 private:
  void stop() {
    const std::scoped_lock lock(mutex_);
    stops_ = true;
    news_.notify_all();
  }

  void spawn(asio::awaitable<void> coroutine) {
    asio::co_spawn(io_, std::move(coroutine), [](const std::exception_ptr& escaped) {
      if (escaped) log::error(kLogger, "following the engine ended by an exception");
    });
  }

  // ---- the engine: on the thread of io_ ----

  asio::awaitable<void> pause(Duration length) {
    asio::steady_timer timer(io_, length);
    boost::system::error_code cancelled;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }

  asio::awaitable<void> follow() {
    for (Duration length = kShortestPause;; length = std::min<Duration>(2 * length, kLongestPause)) {
      auto followed = client_->follow(
          events_path(), [this](std::string_view line) { take_event(line); },
          [&] {
            length = kShortestPause;
            spawn(list());
          });
      const auto ended = co_await std::move(followed);
      engine_trouble_.is(ended.message);
      auto agreed = client_->negotiate();
      (void)co_await std::move(agreed);
      auto paused = pause(length);
      co_await std::move(paused);
    }
  }

  asio::awaitable<void> list() {
    for (;;) {
      auto listed = list_once();
      const auto ok = co_await std::move(listed);
      if (ok) co_return engine_trouble_.ends();
      engine_trouble_.is(ok.error().message);
      auto paused = pause(kBeat);
      co_await std::move(paused);
    }
  }

  asio::awaitable<Result<void>> list_once() {
    auto asked = client_->get("/info");
    const auto body = co_await std::move(asked);
    if (!body) co_return std::unexpected(body.error());
    const auto info = docker::parse_info(*body);
    if (!info) co_return std::unexpected(info.error());
    if (info->node_id.empty()) co_return fail(ErrorCode::unavailable, "the engine is in no Swarm");
    auto listed = client_->get("/containers/json?filters=" + swarms_only());
    const auto answer = co_await std::move(listed);
    if (!answer) co_return std::unexpected(answer.error());
    const auto containers = docker::parse_list<docker::Container>(*answer);
    if (!containers) co_return std::unexpected(containers.error());
    put(info->node_id, *containers);
    co_return Result<void>();
  }

  void put(const std::string& node, const std::vector<docker::Container>& containers) {
    std::vector<AgentReport::Task> tasks;
    for (const auto& container : containers) {
      tasks.push_back({.task = text_at(container.labels, docker::kTaskLabel),
                       .service = text_at(container.labels, docker::kServiceLabel),
                       .container = container.id,
                       .action = {},
                       .health = container.health});
    }
    const std::scoped_lock lock(mutex_);
    node_ = node;
    book_.list(std::move(tasks));
    news_.notify_all();
  }

  void take_event(std::string_view line) {
    const auto event = docker::parse_event(line);
    if (!event || event->type != "container") return;
    AgentReport::Task task{.task = text_at(event->attributes, docker::kTaskLabel),
                           .service = text_at(event->attributes, docker::kServiceLabel),
                           .container = event->id,
                           .action = event->action,
                           .health = health_told_by(event->action)};
    if (task.task.empty() || task.service.empty()) return;
    const bool runs = event->action != "die";
    const std::scoped_lock lock(mutex_);
    book_.happened(std::move(task), runs);
    news_.notify_all();
  }

  // ---- the sampler's thread ----

  std::vector<RunningContainer> running_containers() {
    const std::scoped_lock lock(mutex_);
    std::vector<RunningContainer> running;
    for (const auto& task : book_.running()) {
      running.push_back({task.container, ServiceName(task.service), {InstanceId(task.task)}});
    }
    return running;
  }

  void sampled(const std::string& task, const UsageSample& usage) {
    const std::scoped_lock lock(mutex_);
    book_.sampled(task, usage);
  }

  // ---- the server: on the thread of run() ----

  void tell() {
    Trouble trouble("the server");
    for (Duration length = kShortestPause;;) {
      const auto report = next_report();
      if (!report) return;
      const auto sent = send_(node_to_tell_, *report);
      if (sent) {
        if (!sent->sample.empty()) sample_now(*sent);
        trouble.ends();
        length = kShortestPause;
        continue;
      }
      trouble.is(sent.error().message);
      std::unique_lock lock(mutex_);
      book_.lost();
      news_.wait_for(lock, length, [this] { return stops_; });
      length = std::min<Duration>(2 * length, kLongestPause);
    }
  }

  void sample_now(const AgentWishes& wishes) {
    const std::set<std::string, std::less<>> tasks(wishes.sample.begin(), wishes.sample.end());
    sampler_->refresh([tasks](const RunningContainer& one) { return tasks.contains(one.instances.front().view()); },
                      [this](bool) {
                        const std::scoped_lock lock(mutex_);
                        book_.hurry();
                        news_.notify_all();
                      });
  }

  /// An empty one is a sign of life. Nothing: it is time to end.
  std::optional<AgentReport> next_report() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [this] { return stops_ || !node_.empty(); });
    news_.wait_for(lock, kBeat, [this] { return stops_ || book_.has_news(); });
    if (stops_) return std::nullopt;
    node_to_tell_ = node_;
    return book_.take();
  }

  const std::unique_ptr<docker::EngineClient> client_;
  const Clock& clock_;
  const Send send_;
  std::string node_to_tell_;              // on the thread of run()
  Trouble engine_trouble_{"the engine"};  // on the thread of io_
  std::mutex mutex_;
  std::condition_variable news_;
  bool stops_ = false;  // guarded by mutex_, as are the next two
  std::string node_;
  NodeBook book_;
  std::unique_ptr<UsageSampler> sampler_;  // calls back until it has ended, and uses the three above
  asio::io_context io_{1};
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
};

}  // namespace

Result<std::unique_ptr<Agent>> make_agent(const Agent::Config& config, const Clock& clock, Agent::Send send) {
  auto client = docker::EngineClient::make(config.docker);
  if (!client) return std::unexpected(client.error());
  auto agent = std::make_unique<EngineAgent>(*std::move(client), clock, std::move(send));
  if (auto ok = agent->add_sampler(config); !ok) return std::unexpected(ok.error());
  return std::unique_ptr<Agent>(std::move(agent));
}

}  // namespace rollcall
