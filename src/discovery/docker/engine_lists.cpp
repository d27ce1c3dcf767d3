// What an EngineFollower asks for, and makes of the answers.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unordered_set>

#include "discovery/docker/engine_follower.hpp"
#include "discovery/docker/lists.hpp"
#include "discovery/docker/parse.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kContainersPath = "/containers/json";
constexpr std::string_view kNotRunning = "its container doesn't run any more";
constexpr std::size_t kShownOfId = 12;  // as Docker shows it
constexpr std::size_t kPortion = 200;   // services, between which others get their turn
constexpr unsigned kStatusMinor = 41;   // that came with counts of tasks in the list of services

/// What keeps a Swarm's services from being asked for; empty where nothing does, or where there is no Swarm.
std::string swarm_trouble(const EngineInfo& info) {
  if (info.manager || info.swarm_state == "inactive" || info.swarm_state.empty()) return {};
  if (info.swarm_state == "active") {
    return "this engine is a worker of its Swarm, which only tells managers of its services";
  }
  return fmt::format("this engine's part in its Swarm is {}", info.swarm_state);
}

}  // namespace

/// The filter's labels as far as the engine can compare them; the rest is compared here.
std::string EngineFollower::services_path(const std::vector<std::string>& ids) const {
  std::vector<std::pair<std::string, std::vector<std::string>>> conditions;
  std::vector<std::string> labels;
  for (const auto& [key, value] : book_.filter()) {
    labels.push_back(value && *value != "true" ? fmt::format("{}={}", key, *value) : key);
  }
  if (!labels.empty()) conditions.emplace_back("label", std::move(labels));
  if (!ids.empty()) conditions.emplace_back("id", ids);
  return fmt::format("/services?{}filters={}", parts_.client.speaks(kStatusMinor) ? "status=true&" : "",
                     filters(conditions));
}

/// Of all services, if none are named.
std::string EngineFollower::tasks_path(std::vector<std::string> service_ids) {
  std::vector<std::pair<std::string, std::vector<std::string>>> conditions{{"desired-state", {"running"}}};
  if (!service_ids.empty()) conditions.emplace_back("service", std::move(service_ids));
  return "/tasks?filters=" + filters(conditions);
}

std::string EngineFollower::engine_address() const {
  if (!parts_.config.host_address.empty()) return parts_.config.host_address;
  const auto& address = parts_.config.address;
  return address.kind == EngineAddress::Kind::unix_socket ? info_.node_address : address.host;
}

// ---- everything ----

asio::awaitable<Result<void>> EngineFollower::list_everything() {
  (void)reconcile();
  auto asked = parts_.client.get("/info");
  const auto body = co_await std::move(asked);
  if (!body) co_return std::unexpected(body.error());
  auto info = parse_info(*body);
  if (!info) co_return std::unexpected(info.error());
  info_ = *std::move(info);
  parts_.report.set_engine(info_.manager, parts_.client.version());
  auto listed = list_containers();
  auto containers = co_await std::move(listed);
  if (!containers) co_return std::unexpected(containers.error());
  put_health(*containers);
  if (info_.manager) {
    auto swarm_listed = list_swarm();
    if (auto ok = co_await std::move(swarm_listed); !ok) co_return ok;
  } else if (info_.swarm_state == "inactive") {
    leave_swarm();
  }
  auto put = put_containers(*std::move(containers));
  if (auto ok = co_await std::move(put); !ok) co_return ok;
  knows_ = true;
  const auto trouble = swarm_trouble(info_);
  parts_.report.complete(trouble, !trouble.empty());
  tell_counts();
  co_return Result<void>();
}

asio::awaitable<Result<void>> EngineFollower::list_swarm() {
  auto nodes_listed = list<Node>(parts_.client, "/nodes");
  const auto nodes = co_await std::move(nodes_listed);
  if (!nodes) co_return std::unexpected(nodes.error());
  services_hash_ = tasks_hash_ = 0;
  auto services_listed = list_if_changed<Service>(parts_.client, services_path({}), services_hash_);
  auto services = co_await std::move(services_listed);
  if (!services) co_return std::unexpected(services.error());
  auto tasks_listed = list_if_changed<Task>(parts_.client, tasks_path(), tasks_hash_);
  auto tasks = co_await std::move(tasks_listed);
  if (!tasks) co_return std::unexpected(tasks.error());
  for (const auto& id : book_.put_nodes(*nodes)) services_.touch(id, now());
  auto put = put_swarm(*std::move(*services), *std::move(*tasks));
  co_await std::move(put);
  co_return Result<void>();
}

/// The lists are complete, and nothing else alters the book meanwhile.
asio::awaitable<void> EngineFollower::put_swarm(std::vector<Service> services, std::vector<Task> tasks) {
  std::unordered_map<std::string, std::vector<Task>> by_service;
  for (auto& task : tasks) by_service[task.service_id].push_back(std::move(task));
  std::unordered_set<std::string> gone;
  for (auto& id : book_.services()) gone.insert(std::move(id));
  for (auto& id : swarm_.groups()) gone.insert(std::move(id));
  std::size_t count = 0;
  for (auto& service : services) {
    const auto id = service.id;
    gone.erase(id);
    book_.put(std::move(service), std::move(by_service[id]));
    report_service(id);
    if (!book_.is_settled(id)) services_.touch(id, now());
    if (++count % kPortion == 0) co_await asio::post(parts_.io, asio::use_awaitable);
  }
  for (const auto& id : gone) {
    book_.remove(id);
    report_service(id);
  }
  book_.prune_health();
  swarm_.end_unclaimed("it is no longer in the Swarm", parts_.sink);
}

void EngineFollower::leave_swarm() {
  for (const auto& id : book_.services()) book_.remove(id);
  for (const auto& id : swarm_.groups()) swarm_.end(id, "the engine is in no Swarm any more", parts_.sink);
  swarm_.end_unclaimed("the engine is in no Swarm any more", parts_.sink);
  services_.clear();
}

bool EngineFollower::report_service(const std::string& id) {
  return swarm_.report(id, book_.sightings_of(id), "Swarm no longer wants it to run", parts_.sink);
}

void EngineFollower::tell_counts() {
  const auto services = book_.services().size();
  auto warnings = book_.warnings();
  const auto declared = services - std::min(services, warnings.size());
  parts_.report.set_counts(declared, swarm_.size() - std::min(swarm_.size(), declared), plain_runs_.size());
  for (const auto& [container, clash] : clashes_) warnings.push_back(clash);
  parts_.report.set_warnings(std::move(warnings));
}

// ---- what has changed ----

asio::awaitable<Result<void>> EngineFollower::look_at_nodes() {
  if (!info_.manager) co_return Result<void>();
  auto listed = list<Node>(parts_.client, "/nodes");
  const auto nodes = co_await std::move(listed);
  if (!nodes) co_return std::unexpected(nodes.error());
  for (const auto& id : book_.put_nodes(*nodes)) services_.touch(id, now());
  co_return Result<void>();
}

asio::awaitable<Result<void>> EngineFollower::look_at_services(std::vector<std::string> ids) {
  if (!info_.manager) {
    services_.clear();
    co_return Result<void>();
  }
  parts_.report.count_look();
  auto listed = list<Service>(parts_.client, services_path(ids));
  auto services = co_await std::move(listed);
  if (!services) co_return services_.put_back(ids, now()), std::unexpected(services.error());
  std::vector<std::string> there;
  for (const auto& service : *services) there.push_back(service.id);
  if (there.empty()) co_return put_looked(ids, {}, {}), Result<void>();
  auto tasks_listed = list<Task>(parts_.client, tasks_path(std::move(there)));
  auto tasks = co_await std::move(tasks_listed);
  if (!tasks) {
    services_.put_back(ids, now());
    // One of them has been removed since.
    co_return tasks.error().code == ErrorCode::not_found ? Result<void>() : std::unexpected(tasks.error());
  }
  put_looked(ids, *std::move(services), *std::move(tasks));
  co_return Result<void>();
}

void EngineFollower::put_looked(const std::vector<std::string>& ids, std::vector<Service> services,
                                std::vector<Task> tasks) {
  std::unordered_map<std::string, std::vector<Task>> by_service;
  for (auto& task : tasks) by_service[task.service_id].push_back(std::move(task));
  std::unordered_set<std::string> gone(ids.begin(), ids.end());
  for (auto& service : services) {
    gone.erase(service.id);
    auto& own = by_service[service.id];
    book_.put(std::move(service), std::move(own));
  }
  for (const auto& id : gone) book_.remove(id);
  for (const auto& id : ids) {
    const bool changed = report_service(id);
    services_.looked(id, book_.is_settled(id), changed, now());
  }
  tell_counts();
}

// ---- containers of this engine ----

asio::awaitable<Result<std::vector<Container>>> EngineFollower::list_containers() {
  return list<Container>(parts_.client, std::string(kContainersPath));
}

/// The list is complete.
asio::awaitable<Result<void>> EngineFollower::put_containers(std::vector<Container> containers) {
  std::unordered_set<std::string> gone;
  for (auto& id : plain_.groups()) gone.insert(std::move(id));
  for (const auto& container : containers) gone.erase(container.id);
  put_health(containers);
  auto reported = report_plain(std::move(containers));
  if (auto ok = co_await std::move(reported); !ok) co_return ok;
  for (const auto& id : gone) end_container(id);
  plain_.end_unclaimed(std::string(kNotRunning), parts_.sink);
  co_return Result<void>();
}

void EngineFollower::put_health(const std::vector<Container>& containers) {
  std::unordered_set<std::string> services;
  for (const auto& container : containers) {
    const auto* service = find_label(container.labels, kServiceLabel);
    if (service != nullptr && book_.put_health(container.id, container.health)) services.insert(*service);
  }
  for (const auto& id : services) report_service(id);
}

/// A container that ends while it is asked for is forgotten by its event.
asio::awaitable<Result<void>> EngineFollower::report_plain(std::vector<Container> containers) {
  std::erase_if(containers, [this](const Container& c) { return is_swarms(c) || !parts_.config.containers; });
  for (const auto& container : containers) {
    if (!details_.contains(container.id)) {
      auto asked = parts_.client.get(fmt::format("/containers/{}/json", percent_encoded(container.id)));
      const auto body = co_await std::move(asked);
      if (!body && body.error().code == ErrorCode::not_found) continue;
      if (!body) co_return std::unexpected(body.error());
      auto details = parse_container_details(*body);
      if (!details) co_return std::unexpected(details.error());
      details_.emplace(container.id, *std::move(details));
    }
    report_container(container);
  }
  co_return Result<void>();
}

void EngineFollower::report_container(const Container& container) {
  auto sightings = container_sightings(container, details_[container.id], engine_address(), parts_.config);
  leave_out_taken(container, sightings);
  plain_runs_.erase(container.id);
  if (!sightings.empty() && container.state == "running") {
    auto& runs = plain_runs_[container.id];
    runs = {container.id, sightings.front().spec.service, {}};
    for (const auto& sighting : sightings) runs.instances.push_back(sighting.id);
  }
  plain_.report(container.id, std::move(sightings), "its container has other ports now", parts_.sink);
}

/// Where two ask for the same id by SERVICE_ID, the first keeps it as long as it runs.
void EngineFollower::leave_out_taken(const Container& container, std::vector<Sighting>& sightings) {
  clashes_.erase(container.id);
  std::erase_if(sightings, [&](const Sighting& sighting) {
    const auto* holder = plain_.group_of(sighting.id);
    if (holder == nullptr || *holder == container.id) return false;
    clashes_[container.id] = {
        fmt::format("{} of container {}", sighting.spec.service.view(), container.id.substr(0, kShownOfId)),
        "SERVICE_ID", fmt::format("is that of container {} already", holder->substr(0, kShownOfId))};
    return true;
  });
}

void EngineFollower::end_container(const std::string& id) {
  details_.erase(id);
  plain_runs_.erase(id);
  clashes_.erase(id);
  const bool had_ids = plain_.end(id, std::string(kNotRunning), parts_.sink);
  if (!had_ids) return;
  for (const auto& [other, clash] : clashes_) containers_.touch(other, now());
}

asio::awaitable<Result<void>> EngineFollower::look_at_containers(std::vector<std::string> ids) {
  parts_.report.count_look();
  auto listed = list<Container>(parts_.client, fmt::format("{}?filters={}", kContainersPath, filters({{"id", ids}})));
  auto containers = co_await std::move(listed);
  if (!containers) co_return containers_.put_back(ids, now()), std::unexpected(containers.error());
  std::unordered_set<std::string> gone(ids.begin(), ids.end());
  for (const auto& container : *containers) gone.erase(container.id);
  auto reported = report_plain(*std::move(containers));
  if (auto ok = co_await std::move(reported); !ok) co_return containers_.put_back(ids, now()), ok;
  for (const auto& id : gone) end_container(id);
  for (const auto& id : ids) containers_.looked(id, true, false, now());
  tell_counts();
  co_return Result<void>();
}

}  // namespace rollcall::docker
