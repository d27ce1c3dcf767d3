#pragma once
// The registry's rules as a pure function: what is known of an id and what somebody wants of it, to one event or none.
#include <optional>
#include <variant>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "catalog/catalog.hpp"
#include "registry/command.hpp"
#include "store/store.hpp"

namespace rollcall {

/// The lease ran out: `silence` is for how long nothing was heard.
struct Expire {
  InstanceId id;
  Duration silence{};
};

/// A lapsed instance has been critical for as long as its terms allow.
struct Bury {
  InstanceId id;
};

using Request = std::variant<Register, Deregister, SetMaintenance, SetHealth, Observe, Remark, Beat, Expire, Bury>;

[[nodiscard]] const InstanceId& id_of(const Request& request);

struct Decision {
  std::optional<Change> change;  ///< none: nothing has to happen
  InstancePtr unchanged;         ///< where there is no change: what the caller is told
  bool created = false;
};

/// `known`: the living instance or the tombstone of the request's id, nullopt if there is neither. A Register has an id
/// by now. Fails with `not_found`, `conflict` or `invalid`.
[[nodiscard]] Result<Decision> decide(const Request& request, const std::optional<Known>& known, WallTime now,
                                      const Limits& limits);

}  // namespace rollcall
