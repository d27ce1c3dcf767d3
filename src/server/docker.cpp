#include "server/docker.hpp"

#include <algorithm>

#include "discovery/docker/task_sighting.hpp"

namespace rollcall {
namespace {

constexpr auto kAgentSilence = std::chrono::seconds(3);

}  // namespace

Result<std::unique_ptr<Docker>> Docker::open(const DockerDiscovery::Parts& parts, const Settings& settings,
                                             bool in_office) {
  const auto config = DockerDiscovery::config_of(settings);
  if (!config) return nullptr;
  std::unique_ptr<Docker> opened(new Docker(parts, *config));
  auto discovery = DockerDiscovery::make(parts, *config, in_office);
  if (!discovery) return std::unexpected(discovery.error());
  opened->discovery_ = *std::move(discovery);
  auto sampler = make_usage_sampler(
      *config, settings.limits.metrics, parts.clock,
      [docker = opened.get()](auto take) { docker->discovery_->provider().running_containers(std::move(take)); },
      [docker = opened.get()](const InstanceId& id, const Sample& sample) { docker->take(id, sample); });
  if (!sampler) return std::unexpected(sampler.error());
  opened->sampler_ = *std::move(sampler);
  return opened;
}

void Docker::start() {
  discovery_->start();
  sampler_->start();
}

void Docker::stop() {
  discovery_->stop();  // calls nobody back from then on
  sampler_->stop();
}

/// A container may have ended while it was asked about: what is gone has no sample.
void Docker::take(const InstanceId& id, const Sample& sample) {
  if (parts_.catalog.find_instance(id.view())) parts_.samples.put(id, sample);
}

Result<void> Docker::take_report(std::string_view node, const AgentReport& report) {
  for (const auto& [task, usage] : report.samples) {
    const auto id = docker::task_instance_id(task);
    const auto before = parts_.samples.find(id);
    Sample sample;
    sample.last_seen = parts_.clock.wall_now();
    sample.first_seen = before ? before->first_seen : sample.last_seen;
    sample.usage = usage;
    take(id, sample);
  }
  auto taken = discovery_->provider().node_reports(std::string(node), report);
  if (taken) hear_agent(node);
  return taken;
}

void Docker::hear_agent(std::string_view node) {
  const auto now = parts_.clock.now();
  const std::scoped_lock lock(agents_mutex_);
  std::erase_if(agents_, [now](const auto& agent) { return now - agent.second > kAgentSilence; });
  agents_[std::string(node)] = now;
}

void Docker::offer(api::ApiParts& to) {
  to.discovery = [this]() -> std::optional<api::DiscoveryState> {
    return api::DiscoveryState{discovery_->last_refresh(), refresh_interval_};
  };
  to.refresh_discovery = [this](auto done) { discovery_->refresh(std::move(done)); };
  to.refresh_usage = [this](const ServiceName& service, auto done) { sampler_->refresh(service, std::move(done)); };
  to.agent_reports = [this](std::string_view node, const AgentReport& report) { return take_report(node, report); };
}

std::size_t Docker::agents_of_late() const {
  const auto oldest = parts_.clock.now() - kAgentSilence;
  const std::scoped_lock lock(agents_mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(agents_, [oldest](const auto& agent) { return agent.second >= oldest; }));
}

api::PartHealth Docker::health() const {
  auto trouble = discovery_->trouble();
  const bool ok = trouble.empty();
  return {.name = "docker", .ok = ok, .detail = ok ? discovery_->left_out() : std::move(trouble)};
}

void Docker::add_metrics(OwnMetrics& metrics) const {
  discovery_->add_metrics(metrics);
  metrics.gauge("docker_agents", "Nodes whose agents have reported within the last 3 s.",
                static_cast<double>(agents_of_late()));
  const auto counts = sampler_->counts();
  metrics.counter("docker_samples_total", "Containers that the engine told the figures of.",
                  static_cast<double>(counts.samples));
  metrics.counter("docker_sample_failures_total", "Containers that it didn't, though they run.",
                  static_cast<double>(counts.failures));
  metrics.gauge("docker_sampling_seconds", "How long it took to ask about all containers, the last time.",
                std::chrono::duration<double>(counts.round).count());
}

}  // namespace rollcall
