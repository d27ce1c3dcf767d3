#pragma once
// A Swarm's service as its engine has it, to be told again with another number of replicas and nothing else changed.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace rollcall::autoscale {

struct ScaledSpec {
  std::uint64_t version = 0;  ///< of the service as it was read: the engine refuses the spec once it is another
  std::string json;
};

/// `service` as GET /services/{id} answers. `conflict` when it doesn't want `from` replicas any more.
[[nodiscard]] Result<ScaledSpec> scaled_spec(std::string_view service, std::uint32_t from, std::uint32_t to);

}  // namespace rollcall::autoscale
