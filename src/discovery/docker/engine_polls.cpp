// What an EngineFollower finds out by asking again and again: Swarm tells a manager of no task on another node.
#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "discovery/docker/engine_follower.hpp"
#include "discovery/docker/lists.hpp"
#include "discovery/docker/parse.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;

constexpr auto kInterval = std::chrono::seconds(1);
constexpr auto kRoleInterval = std::chrono::seconds(5);  // of an engine that isn't a manager, and may become one
constexpr std::string_view kEnd = "die";
constexpr int kShareOfTasks = 100;  // asking for all tasks takes at most one part in a hundred of the time

/// An event of an end can tell how it was before.
ContainerHealth health_of(const AgentReport::Task& task) {
  return task.action == kEnd ? ContainerHealth::none : task.health;
}

}  // namespace

asio::awaitable<void> EngineFollower::poll() {
  for (auto next = now();;) {
    next = std::max<MonoTime>(next + kInterval, now());
    auto paused = pause(next - now());
    co_await std::move(paused);
    orders_.end_overdue(now());
    parts_.report.set_agents(agents_of_late());
    if (!hears_ || !knows_) continue;
    auto polled = poll_once();
    const auto ok = co_await std::move(polled);
    if (ok || !hears_) continue;
    failed(ok.error());
    want_list(now() + parts_.config.limits.retry_shortest);
  }
}

asio::awaitable<Result<void>> EngineFollower::poll_once() {
  const bool refreshes = refresh_due_ <= now();
  const auto begun = now();
  if (refreshes || (!info_.manager && role_due_ <= now())) {
    auto asked = poll_role();
    if (auto ok = co_await std::move(asked); !ok) co_return ok;
  }
  if (info_.manager) {
    auto polled = poll_services();
    if (auto ok = co_await std::move(polled); !ok) co_return ok;
    if (refreshes || (!events_tell_of_all_tasks() && tasks_due_ <= now())) {
      auto tasks_polled = poll_tasks();
      if (auto ok = co_await std::move(tasks_polled); !ok) co_return ok;
    }
  }
  if (!refreshes) co_return Result<void>();
  for (const auto& service : reconcile()) touch_service(service);
  if (info_.manager) swarm_.end_unclaimed("it is no longer in the Swarm", parts_.sink);
  nodes_wanted_ = containers_wanted_ = true;
  wake();
  refresh_due_ = now() + parts_.config.refresh_interval;
  parts_.report.refreshed(now() - begun);
  co_return Result<void>();
}

/// Where it has changed, everything is listed anew.
asio::awaitable<Result<void>> EngineFollower::poll_role() {
  auto asked = parts_.client.get("/info");
  const auto body = co_await std::move(asked);
  if (!body) co_return std::unexpected(body.error());
  const auto info = parse_info(*body);
  if (!info) co_return std::unexpected(info.error());
  role_due_ = now() + kRoleInterval;
  if (info->manager != info_.manager || info->swarm_state != info_.swarm_state) want_list(now());
  co_return Result<void>();
}

asio::awaitable<Result<void>> EngineFollower::poll_services() {
  auto listed = list_if_changed<Service>(parts_.client, services_path({}), services_hash_);
  const auto services = co_await std::move(listed);
  if (!services) co_return std::unexpected(services.error());
  if (!*services) co_return Result<void>();
  for (const auto& id : book_.differing(**services)) touch_service(id);
  co_return Result<void>();
}

asio::awaitable<Result<void>> EngineFollower::poll_tasks() {
  const auto begun = now();
  auto listed = list_if_changed<Task>(parts_.client, tasks_path(), tasks_hash_);
  const auto tasks = co_await std::move(listed);
  if (!tasks) co_return std::unexpected(tasks.error());
  tasks_due_ = now() + std::max<Duration>(kInterval, kShareOfTasks * (now() - begun));
  if (!*tasks) co_return Result<void>();
  for (const auto& id : book_.differing(**tasks)) touch_service(id);
  co_return Result<void>();
}

Result<AgentWishes> EngineFollower::node_reports(const std::string& node, const AgentReport& report) {
  if (book_.node_count() == 0) return fail(ErrorCode::unavailable, "no Swarm's nodes are known yet");
  if (!book_.has_node(node)) return fail(ErrorCode::not_found, "the Swarm has no such node", "node");
  agents_[node] = now();
  for (const auto& task : report.tasks) {
    (void)book_.put_health(task.container, health_of(task));
    touch_service(task.service);
    if (task.action == kEnd) orders_.settle(task.task, false);
  }
  for (const auto& sample : report.samples) orders_.settle(sample.task, true);
  return AgentWishes{orders_.take(node)};
}

void EngineFollower::order_samples(const ServiceName& service, SampleOrders::Done done) {
  std::vector<SampleOrders::Task> tasks;
  book_.for_each_running([&](const Task& task, const Service& of) {
    if (of.name == service.view() && has_agent(task.node_id)) tasks.push_back({task.id, task.node_id});
  });
  orders_.add(tasks, now() + parts_.config.limits.agent_timeout, std::move(done));
}

bool EngineFollower::has_agent(const std::string& node) const {
  const auto agent = agents_.find(node);
  return agent != agents_.end() && now() - agent->second < parts_.config.limits.agent_silence;
}

std::size_t EngineFollower::agents_of_late() {
  std::erase_if(agents_, [this](const auto& agent) { return !has_agent(agent.first); });
  return agents_.size();
}

/// Where each node is the engine's own, or has an agent that tells of it. Counts show what containers' events leave
/// out.
bool EngineFollower::events_tell_of_all_tasks() const {
  if (book_.node_count() == 0 || !parts_.client.speaks(41)) return false;
  return book_.of_all_nodes([this](const std::string& node) { return node == info_.node_id || has_agent(node); });
}

}  // namespace rollcall::docker
