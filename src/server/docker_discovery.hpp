#pragma once
// Who follows a Docker engine: this daemon, if it is alone; of several nodes the one that holds the office.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "discovery/docker/docker_provider.hpp"
#include "metrics/own_metrics.hpp"
#include "net/io_executor.hpp"
#include "server/discovery.hpp"
#include "server/settings.hpp"

namespace rollcall {

/// Tells Swarm's findings from those of plain containers, which are other sources.
class DockerSink final : public ProviderSink {
 public:
  explicit DockerSink(const RegistrySink::Parts& parts)
      : swarm_(parts, Source::swarm), docker_(parts, Source::docker) {}

  void seen(Sighting sighting) override;
  void gone(InstanceId id, Cause cause) override;
  void sampled(const InstanceId& id, const Sample& sample) override;

  /// As RegistrySink has them.
  void after_all_said(std::function<void()> done) { docker_.after_all_said(std::move(done)); }
  void forget();

 private:
  RegistrySink& of(const InstanceId& id);
  RegistrySink swarm_, docker_;
};

class DockerDiscovery {
 public:
  using Parts = ProviderParts;

  /// What is followed by these settings; nothing where Docker is off, or is to be found and isn't there.
  [[nodiscard]] static std::optional<DockerConfig> config_of(const Settings& settings);
  /// The offices that these settings make a node stand for.
  [[nodiscard]] static std::vector<std::string> offices_of(const Settings& settings);

  /// `in_office`: others share the log, and only who holds the office follows.
  [[nodiscard]] static Result<std::unique_ptr<DockerDiscovery>> make(const Parts& parts, DockerConfig config,
                                                                     bool in_office);
  ~DockerDiscovery();

  /// Follows, if it needs no office for that.
  void start();
  /// Any thread: from now on it follows if the office is among these, and else doesn't.
  void hold(const std::vector<std::string>& offices);
  void stop();

  /// Any thread.
  [[nodiscard]] bool follows() const noexcept { return follows_; }
  /// Any thread. What keeps it from seeing all that it should; empty when nothing does.
  [[nodiscard]] std::string trouble() const { return provider_->trouble(); }
  /// Any thread. What is listed is from then; none: it is up to date.
  [[nodiscard]] std::optional<WallTime> stale_since() const { return provider_->state().stale_since; }
  /// Any thread. Which services are left out because of a label; empty when none is.
  [[nodiscard]] std::string left_out() const;
  void add_metrics(OwnMetrics& metrics) const;
  [[nodiscard]] std::optional<WallTime> last_refresh() const { return provider_->state().last_refresh; }
  /// Any thread. Lists everything again; `done` is called on any thread once the difference is in the catalog. Dropped
  /// uncalled if this ends before.
  void refresh(DockerProvider::RefreshDone done);
  [[nodiscard]] DockerProvider& provider() noexcept { return *provider_; }

 private:
  DockerDiscovery(const Parts& parts, bool in_office);
  void follow(bool wanted);

  const Parts parts_;
  const bool in_office_;
  DockerSink sink_;
  std::unique_ptr<DockerProvider> provider_;
  std::atomic<bool> follows_{false};           // changed on thread_, and where that has stopped
  net::IoExecutor thread_{"rollcall-docker"};  ///< to end a provider takes up to a second
};

}  // namespace rollcall
