#pragma once
// Events and what they leave, as columns of arrays: a batch is one statement a table, however many changes it has.
#include <span>

#include "model/event.hpp"
#include "store/postgres/parameters.hpp"

namespace rollcall::postgres {

/// Of Sql::insert_events.
struct EventColumns {
  Parameters parameters;
  std::uint64_t bytes = 0;  ///< roughly what they take
};
[[nodiscard]] EventColumns columns_of_events(std::span<const EventPtr> events);

/// Of Sql::put_instances: each instance once, as the last of `events` left it.
[[nodiscard]] Parameters columns_of_instances(std::span<const EventPtr> events);

}  // namespace rollcall::postgres
