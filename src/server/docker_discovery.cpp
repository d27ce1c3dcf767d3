#include "server/docker_discovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "base/log.hpp"
#include "discovery/docker/task_sighting.hpp"

namespace rollcall {
namespace {

constexpr std::string_view kOffice = "docker";
constexpr std::size_t kMostNamed = 10;
constexpr std::string_view kUsualSocket = "/var/run/docker.sock";

double real(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

RegistrySink& DockerSink::of(const InstanceId& id) { return docker::is_swarms(id) ? swarm_ : docker_; }
void DockerSink::seen(Sighting sighting) { of(sighting.id).seen(std::move(sighting)); }
void DockerSink::gone(InstanceId id, Cause cause) { of(id).gone(std::move(id), std::move(cause)); }
void DockerSink::forget() {
  swarm_.forget();
  docker_.forget();
}
void DockerSink::sampled(const InstanceId& id, const Sample& sample) { of(id).sampled(id, sample); }

std::optional<DockerConfig> DockerDiscovery::config_of(const Settings& settings) {
  auto config = settings.docker;
  config.model = settings.limits.model;
  if (settings.docker_url == "off") return std::nullopt;
  if (settings.docker_url == "auto") {
    std::error_code error;
    if (!std::filesystem::is_socket(kUsualSocket, error)) return std::nullopt;
    config.address.path = kUsualSocket;
  } else {
    config.address = parse_engine_url(settings.docker_url, "docker.url").value();
  }
  return config;
}

std::vector<std::string> DockerDiscovery::offices_of(const Settings& settings) {
  if (!config_of(settings)) return {};
  return {std::string(kOffice)};
}

Result<std::unique_ptr<DockerDiscovery>> DockerDiscovery::make(const Parts& parts, DockerConfig config,
                                                               bool in_office) {
  const auto where = to_text(config.address);
  auto provider = make_docker_provider(std::move(config), parts.clock);
  if (!provider) return std::unexpected(provider.error());
  log::info("docker", "following the engine at {}", where);
  std::unique_ptr<DockerDiscovery> made(new DockerDiscovery(parts, in_office));
  made->provider_ = *std::move(provider);
  return made;
}

DockerDiscovery::DockerDiscovery(const Parts& parts, bool in_office)
    : parts_(parts), in_office_(in_office), sink_(parts) {}

DockerDiscovery::~DockerDiscovery() { stop(); }

void DockerDiscovery::start() {
  if (!in_office_) follow(true);
}

void DockerDiscovery::hold(const std::vector<std::string>& offices) {
  const bool is_ours = std::ranges::find(offices, kOffice) != offices.end();
  thread_.post([this, is_ours] {
    if (in_office_) follow(is_ours);
  });
}

void DockerDiscovery::follow(bool wanted) {
  if (wanted == follows_) return;
  follows_ = wanted;
  if (in_office_) {
    log::info("docker", "{} the office {}", wanted ? "this node holds" : "another node may hold", kOffice);
  }
  if (!wanted) {
    provider_->stop();
    return sink_.forget();
  }
  provider_->start(sink_, [this] {
    auto known = instances_of(parts_.catalog, Source::swarm);
    std::ranges::move(instances_of(parts_.catalog, Source::docker), std::back_inserter(known));
    return known;
  });
}

void DockerDiscovery::stop() {
  thread_.stop();
  follow(false);
}

void DockerDiscovery::refresh(DockerProvider::RefreshDone done) {
  provider_->refresh([this, done = std::move(done)](Result<void> listed) mutable {
    if (!listed) return done(std::move(listed));
    const auto shared = std::make_shared<DockerProvider::RefreshDone>(std::move(done));
    sink_.after_all_said([shared] { (*shared)({}); });
  });
}

std::string DockerDiscovery::left_out() const {
  const auto warnings = provider_->state().warnings;
  std::vector<std::string> named;
  for (const auto& [service, label, problem] : warnings | std::views::take(kMostNamed)) {
    named.push_back(fmt::format("{} (its label {} {})", service, label, problem));
  }
  if (named.empty()) return {};
  const auto others = warnings.size() - named.size();
  return fmt::format("left out: {}{}", fmt::join(named, ", "), others == 0 ? "" : fmt::format(" and {} more", others));
}

void DockerDiscovery::add_metrics(OwnMetrics& metrics) const {
  const auto state = provider_->state();
  metrics.counter("docker_events_total", "Events that the Docker engine told of.", real(state.events));
  metrics.counter("docker_looks_total", "Questions that followed from them.", real(state.looks));
  metrics.counter("docker_refreshes_total", "Comparisons with all that the engine runs.", real(state.refreshes));
  metrics.counter("docker_failures_total", "Questions that the engine didn't answer.", real(state.failures));
  metrics.gauge("docker_refresh_seconds", "How long the last comparison took.",
                std::chrono::duration<double>(state.refresh_took).count());
  if (state.last_refresh) {
    metrics.gauge("docker_refresh_age_seconds", "How long ago it was.",
                  std::chrono::duration<double>(parts_.clock.wall_now() - *state.last_refresh).count());
  }
  metrics.gauge("docker_stale", "1 while what is known of the engine may be out of date.", state.stale_since ? 1 : 0);
  metrics.gauge("docker_services", "Services of its Swarm that are listed.", real(state.services));
  metrics.gauge("docker_tasks", "Tasks of theirs.", real(state.tasks));
  metrics.gauge("docker_containers", "Containers outside of the Swarm that are listed.", real(state.containers));
  metrics.gauge("docker_agents", "Nodes whose agents have reported of late.", real(state.agents));
  metrics.gauge("docker_warnings", "Services that are left out because of a label.", real(state.warnings.size()));
}

}  // namespace rollcall
