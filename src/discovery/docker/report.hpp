#pragma once
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "discovery/docker/docker_provider.hpp"

namespace rollcall::docker {

/// What the provider says of itself: told on its thread, asked for by any.
class Report {
 public:
  explicit Report(const Clock& clock) : clock_(clock) {}

  /// What is known is as it was until now, and may have changed since.
  void failed(std::string why);
  /// All is known again. `but`: what can't be had from this engine, empty if nothing.
  void complete(std::string but, bool stale);
  /// Nothing is followed any more, and so nothing wrong with it.
  void ended();
  void refreshed(Duration took);
  void set_engine(bool manager, std::string api_version);
  void set_counts(std::uint64_t services, std::uint64_t tasks, std::uint64_t containers);
  void set_agents(std::uint64_t agents);
  /// All that there are; those that are new are logged.
  void set_warnings(std::vector<LabelWarning> warnings);
  void count_event();
  void count_look();

  [[nodiscard]] std::string trouble() const;
  [[nodiscard]] DockerState state() const;

 private:
  void say_if_new(const std::string& trouble);

  const Clock& clock_;
  mutable std::mutex mutex_;
  DockerState state_;                                                 // guarded by mutex_
  std::string trouble_;                                               // guarded by mutex_
  std::set<std::tuple<std::string, std::string, std::string>> said_;  // warnings; on the provider's thread alone
};

}  // namespace rollcall::docker
