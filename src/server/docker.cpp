#include "server/docker.hpp"

#include <atomic>

#include "discovery/docker/task_sighting.hpp"

namespace rollcall {
namespace {

/// An answer that waits for all who were asked, or for their having been dropped: whether any has something new.
class AnyOf {
 public:
  explicit AnyOf(UsageSampler::Done done) : done_(std::move(done)) {}
  ~AnyOf() { done_(any_.load(std::memory_order_relaxed)); }
  AnyOf(const AnyOf&) = delete;
  AnyOf& operator=(const AnyOf&) = delete;

  /// Any thread.
  void answer(bool has_new) noexcept {
    if (has_new) any_.store(true, std::memory_order_relaxed);
  }

 private:
  UsageSampler::Done done_;
  std::atomic<bool> any_{false};
};

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

/// The samples first: whoever waits for them is told when the provider has the report.
void Docker::take_report(std::string node, AgentReport report, DockerProvider::TakeWishes take_wishes) {
  for (const auto& [task, usage] : report.samples) {
    const auto id = docker::task_instance_id(task);
    const auto before = parts_.samples.find(id);
    Sample sample;
    sample.last_seen = parts_.clock.wall_now();
    sample.first_seen = before ? before->first_seen : sample.last_seen;
    sample.usage = usage;
    take(id, sample);
  }
  discovery_->provider().node_reports(std::move(node), std::move(report), std::move(take_wishes));
}

void Docker::refresh_usage(const ServiceName& service, UsageSampler::Done done) {
  const auto all = std::make_shared<AnyOf>(std::move(done));
  const auto answer = [all](bool has_new) { all->answer(has_new); };
  sampler_->refresh([service](const RunningContainer& container) { return container.service == service; }, answer);
  discovery_->provider().order_samples(service, answer);
}

void Docker::offer(api::ApiParts& to) {
  to.discovery = [this]() -> std::optional<api::DiscoveryState> {
    return api::DiscoveryState{discovery_->last_refresh(), refresh_interval_};
  };
  to.refresh_discovery = [this](auto done) { discovery_->refresh(std::move(done)); };
  to.refresh_usage = [this](const ServiceName& service, auto done) { refresh_usage(service, std::move(done)); };
  to.agent_reports = [this](std::string node, AgentReport report, auto take_wishes) {
    take_report(std::move(node), std::move(report), std::move(take_wishes));
  };
}

api::PartHealth Docker::health() const {
  auto trouble = discovery_->trouble();
  const bool ok = trouble.empty();
  return {.name = "docker",
          .ok = ok,
          .detail = ok ? discovery_->left_out() : std::move(trouble),
          .stale_since = discovery_->stale_since()};
}

void Docker::add_metrics(OwnMetrics& metrics) const {
  discovery_->add_metrics(metrics);
  const auto counts = sampler_->counts();
  metrics.counter("docker_samples_total", "Containers that the engine told the figures of.",
                  static_cast<double>(counts.samples));
  metrics.counter("docker_sample_failures_total", "Containers that it didn't, though they run.",
                  static_cast<double>(counts.failures));
  metrics.gauge("docker_sampling_seconds", "How long it took to ask about all containers, the last time.",
                std::chrono::duration<double>(counts.round).count());
}

}  // namespace rollcall
