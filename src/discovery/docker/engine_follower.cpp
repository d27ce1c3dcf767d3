#include "discovery/docker/engine_follower.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "discovery/docker/parse.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kLogger = "docker";
constexpr std::size_t kContainersPerQuestion = 50;

std::string events_path() {
  return "/events?filters=" + filters({{"type", {"service", "node", "container", "network"}},
                                       {"event",
                                        {"create", "update", "remove", "start", "die", "destroy", "health_status",
                                         "rename", "pause", "unpause", "connect", "disconnect"}}});
}

std::optional<ContainerHealth> health_told_by(const EngineEvent& event) {
  if (event.action == "health_status: healthy") return ContainerHealth::healthy;
  if (event.action == "health_status: unhealthy") return ContainerHealth::unhealthy;
  return event.action == "die" ? std::optional(ContainerHealth::none) : std::nullopt;
}

}  // namespace

EngineFollower::EngineFollower(const Parts& parts)
    : parts_(parts),
      wake_(std::in_place, parts.io),
      book_(parts.config),
      retry_pause_(parts.config.limits.retry_shortest) {}

void EngineFollower::start(Provider::Known known) {
  known_ = std::move(known);
  spawn(follow_events(), "following an engine's events");
  spawn(work(), "asking an engine");
  spawn(poll(), "polling an engine");
}

/// What another daemon wrote late, or somebody restored, isn't what was said here. The services that differ; all
/// containers are looked at again anyway.
std::vector<std::string> EngineFollower::reconcile() {
  std::vector<InstancePtr> swarms, others;
  for (auto& instance : known_()) (is_swarms(instance->id) ? swarms : others).push_back(std::move(instance));
  plain_.reconcile(others);
  return swarm_.reconcile(swarms);
}

void EngineFollower::spawn(Awaitable<> coroutine, const char* what) {
  asio::co_spawn(parts_.io, std::move(coroutine), [what](const std::exception_ptr& escaped) {
    if (escaped) log::error(kLogger, "{} ended by an exception", what);
  });
}

asio::awaitable<void> EngineFollower::pause(Duration length) {
  asio::steady_timer timer(parts_.io, now() + length);
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

void EngineFollower::wake() {
  if (wake_) wake_->cancel();
}

void EngineFollower::want_list(MonoTime when) {
  list_due_ = list_due_ ? std::min(*list_due_, when) : when;
  wake();
}

void EngineFollower::touch_service(const std::string& id) {
  services_.touch(id, now());
  wake();
}

/// What is known may no longer be so: all of it is asked for again.
void EngineFollower::failed(const Error& error) {
  knows_ = false;
  parts_.report.failed(error.message);
}

void EngineFollower::refresh(DockerProvider::RefreshDone done) {
  if (!hears_) return done(fail(ErrorCode::unavailable, parts_.report.trouble()));
  refreshes_.push_back(std::move(done));
  want_list(now());
}

void EngineFollower::answer_refreshes(const Result<void>& outcome) {
  for (auto& done : std::exchange(refreshes_, {})) done(outcome);
}

std::vector<RunningContainer> EngineFollower::running_containers() const {
  std::vector<RunningContainer> running;
  book_.for_each_running([&](const Task& task, const Service& service) {
    if (task.node_id != info_.node_id || task.container_id.empty()) return;
    running.push_back({task.container_id, ServiceName(service.name), {task_instance_id(task.id)}});
  });
  for (const auto& [id, container] : plain_runs_) running.push_back(container);
  return running;
}

// ---- the stream of events ----

asio::awaitable<void> EngineFollower::follow_events() {
  for (;;) {
    const auto begun = [this] {
      hears_ = true;
      retry_pause_ = parts_.config.limits.retry_shortest;
      want_list(now());
    };
    auto agreed = parts_.client.negotiate();
    const auto version = co_await std::move(agreed);
    if (version) {
      auto followed = parts_.client.follow(events_path(), [this](std::string_view line) { take_event(line); }, begun);
      const auto ended = co_await std::move(followed);
      hears_ = false;
      failed(ended);
    } else {
      failed(version.error());
    }
    answer_refreshes(fail(ErrorCode::unavailable, parts_.report.trouble()));
    const auto length = retry_pause_;
    retry_pause_ = std::min<Duration>(2 * retry_pause_, parts_.config.limits.retry_longest);
    auto paused = pause(length);
    co_await std::move(paused);
  }
}

void EngineFollower::take_event(std::string_view line) {
  const auto event = parse_event(line);
  if (!event) return;
  parts_.report.count_event();
  if (event->type == "service") {
    touch_service(event->id);
  } else if (event->type == "node") {
    nodes_wanted_ = true;
    wake();
  } else if (event->type == "container") {
    take_container_event(*event);
  } else if (const auto* container = find_label(event->attributes, "container")) {
    if (!details_.contains(*container)) return;  // of a network; Swarm's tasks have theirs for life
    containers_.touch(*container, now());
    wake();
  }
}

void EngineFollower::take_container_event(const EngineEvent& event) {
  const auto* service = find_label(event.attributes, kServiceLabel);
  if (const auto health = health_told_by(event); health && service != nullptr) book_.put_health(event.id, *health);
  if (service != nullptr) return touch_service(*service);
  if (!parts_.config.containers) return;
  containers_.touch(event.id, now());
  wake();
}

// ---- what asks ----

asio::awaitable<void> EngineFollower::work() {
  for (;;) {
    if (hears_ && list_due_ && *list_due_ <= now()) {
      auto listed = list_all();
      co_await std::move(listed);
    } else if (hears_ && knows_) {
      auto looked = look_at_what_is_due();
      if (const auto ok = co_await std::move(looked); !ok) {
        failed(ok.error());
        want_list(now() + parts_.config.limits.retry_shortest);
      }
    }
    auto next = now() + std::chrono::hours(1);
    if (hears_ && list_due_) next = std::min(next, *list_due_);
    if (hears_ && knows_) {
      next = std::min({next, services_.next_due().value_or(next), containers_.next_due().value_or(next)});
      if (nodes_wanted_ || containers_wanted_) next = now();
    }
    if (next <= now()) continue;
    wake_->expires_at(next);
    boost::system::error_code woken;
    co_await wake_->async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

asio::awaitable<void> EngineFollower::list_all() {
  list_due_.reset();
  const auto begun = now();
  auto listed = list_everything();
  const auto ok = co_await std::move(listed);
  if (ok) {
    retry_pause_ = parts_.config.limits.retry_shortest;
    parts_.report.refreshed(now() - begun);
    refresh_due_ = now() + parts_.config.refresh_interval;
  } else {
    failed(ok.error());
    want_list(now() + retry_pause_);
    retry_pause_ = std::min<Duration>(2 * retry_pause_, parts_.config.limits.retry_longest);
  }
  answer_refreshes(ok);
}

asio::awaitable<Result<void>> EngineFollower::look_at_what_is_due() {
  if (std::exchange(nodes_wanted_, false)) {
    auto looked = look_at_nodes();
    if (const auto ok = co_await std::move(looked); !ok) co_return ok;
  }
  if (std::exchange(containers_wanted_, false)) {
    auto listed = list_containers();
    auto containers = co_await std::move(listed);
    if (!containers) co_return std::unexpected(containers.error());
    auto put = put_containers(*std::move(containers));
    if (const auto ok = co_await std::move(put); !ok) co_return ok;
  }
  if (auto ids = services_.take_due(now(), parts_.config.limits.services_per_question); !ids.empty()) {
    auto looked = look_at_services(std::move(ids));
    if (const auto ok = co_await std::move(looked); !ok) co_return ok;
  }
  if (auto ids = containers_.take_due(now(), kContainersPerQuestion); !ids.empty()) {
    auto looked = look_at_containers(std::move(ids));
    if (const auto ok = co_await std::move(looked); !ok) co_return ok;
  }
  co_return Result<void>();
}

}  // namespace rollcall::docker
