#pragma once
#include <cstdint>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/rare.hpp"
#include "model/declaration.hpp"
#include "model/instance.hpp"

namespace rollcall {

/// How many instances a service has in each status.
struct StatusCounts {
  std::uint32_t passing = 0, warning = 0, critical = 0, maintenance = 0;
  [[nodiscard]] std::uint32_t total() const noexcept { return passing + warning + critical + maintenance; }
  friend bool operator==(const StatusCounts&, const StatusCounts&) = default;
};

[[nodiscard]] std::uint32_t& count_of(StatusCounts& counts, Status status) noexcept;

/// A name under which instances are found, summed up over them.
struct Service {
  ServiceName name;
  Revision revision;  ///< of the last event of this service
  StatusCounts counts;
  WallTime created_at;
  WallTime updated_at;
  Rare<Declaration> declaration{};  ///< where an orchestrator runs it
  InstanceId declared_by{};         ///< the declaration's record
};

}  // namespace rollcall
