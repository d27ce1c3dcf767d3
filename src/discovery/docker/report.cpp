#include "discovery/docker/report.hpp"

#include "base/log.hpp"

namespace rollcall::docker {
namespace {

constexpr std::string_view kLogger = "docker";
constexpr std::size_t kMostSaid = 10'000;  // remembered as logged

}  // namespace

void Report::failed(std::string why) {
  const std::scoped_lock lock(mutex_);
  ++state_.failures;
  if (!state_.stale_since) state_.stale_since = clock_.wall_now();
  say_if_new(why);
  trouble_ = std::move(why);
}

void Report::complete(std::string but, bool stale) {
  const std::scoped_lock lock(mutex_);
  if (!stale) state_.stale_since.reset();
  if (stale && !state_.stale_since) state_.stale_since = clock_.wall_now();
  if (but.empty() && !trouble_.empty()) log::info(kLogger, "the engine answers again");
  say_if_new(but);
  trouble_ = std::move(but);
}

void Report::ended() {
  const std::scoped_lock lock(mutex_);
  state_.stale_since.reset();
  state_.agents = 0;
  trouble_.clear();
}

/// With mutex_ held.
void Report::say_if_new(const std::string& trouble) {
  if (!trouble.empty() && trouble != trouble_) log::warning(kLogger, "{}", trouble);
}

void Report::refreshed(Duration took) {
  const std::scoped_lock lock(mutex_);
  ++state_.refreshes;
  state_.last_refresh = clock_.wall_now();
  state_.refresh_took = std::chrono::duration_cast<std::chrono::milliseconds>(took);
}

void Report::set_engine(bool manager, std::string api_version) {
  const std::scoped_lock lock(mutex_);
  state_.manager = manager;
  state_.api_version = std::move(api_version);
}

void Report::set_counts(std::uint64_t services, std::uint64_t tasks, std::uint64_t containers) {
  const std::scoped_lock lock(mutex_);
  state_.services = services;
  state_.tasks = tasks;
  state_.containers = containers;
}

void Report::set_agents(std::uint64_t agents) {
  const std::scoped_lock lock(mutex_);
  state_.agents = agents;
}

void Report::set_warnings(std::vector<LabelWarning> warnings) {
  for (const auto& [service, label, problem] : warnings) {
    if (said_.size() >= kMostSaid) said_.clear();
    if (!said_.emplace(service, label, problem).second) continue;
    log::warning(kLogger, "service {} is left out: its label {} {}", service, label, problem);
  }
  const std::scoped_lock lock(mutex_);
  state_.warnings = std::move(warnings);
}

void Report::count_event() {
  const std::scoped_lock lock(mutex_);
  ++state_.events;
}

void Report::count_look() {
  const std::scoped_lock lock(mutex_);
  ++state_.looks;
}

std::string Report::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

DockerState Report::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

}  // namespace rollcall::docker
