#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace rollcall::autoscale {

/// A manager's engine, which is told how many tasks a service is to have. Nothing else in Rollcall changes a Swarm.
class Swarm {
 public:
  /// `url` and `cert_path` as the daemon's docker.url and docker.cert_path.
  [[nodiscard]] static Result<std::unique_ptr<Swarm>> open(std::string_view url, const std::string& cert_path);
  virtual ~Swarm() = default;

  /// Waits for the engine. `conflict` when the service isn't as it was seen: it doesn't want `from` replicas any more,
  /// or somebody else is changing it.
  [[nodiscard]] virtual Result<void> scale(const std::string& service_id, std::uint32_t from, std::uint32_t to) = 0;
};

}  // namespace rollcall::autoscale
