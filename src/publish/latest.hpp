#pragma once
// Messages of which only the newest counts. They don't come from the log and are never queued: what couldn't be sent is
// made anew when it can. Lives on the outbox's executor.
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "publish/publisher.hpp"

namespace rollcall {

/// Where their contents come from, at the moment when they are sent.
struct LatestSources {
  std::function<std::string()> services;  ///< members: `"services_count":2,"services":[...]`
  std::function<std::optional<std::string>(std::string_view service)> metrics;  ///< a JSON object, if there is one
  std::function<std::string()> health;                                          ///< a JSON object
};

class Latest {
 public:
  Latest(LatestSources sources, const Clock& clock, const PublishLimits& limits)
      : sources_(std::move(sources)), clock_(clock), limits_(limits) {}

  /// Everything is due, and metrics where there are new ones. Services and metrics come at most once in an interval.
  void start();
  void services_changed() noexcept { services_changed_ = true; }
  void metrics_changed(std::string service) { metrics_changed_.insert(std::move(service)); }

  /// Appends what is due.
  void take_due(std::vector<Message>& messages);
  /// Those didn't arrive: they are due again.
  void give_back(std::span<const Message> lost);

  /// When something is due next; in the past when it is due already.
  [[nodiscard]] MonoTime next_due() const;

 private:
  void append_metrics(std::vector<Message>& messages);
  void append(std::string_view key, std::string_view members, std::vector<Message>& messages) const;

  const LatestSources sources_;
  const Clock& clock_;
  const PublishLimits& limits_;
  bool services_changed_ = false;
  MonoTime services_due_{}, metrics_due_{}, health_due_{};
  std::set<std::string, std::less<>> metrics_changed_;  // no more than there are services
};

}  // namespace rollcall
