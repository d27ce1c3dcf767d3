#pragma once
// Where an outbox begins or goes on. Runs on the store's executor.
#include <optional>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace rollcall {

struct Beginning {
  Revision position;                  ///< events after it are to be told
  std::vector<InstancePtr> state;     ///< right after it
  Revision confirmed;                 ///< its position in the Store, until a gap has been told
  std::optional<Revision> gap_after;  ///< events after this one up to `position` can't be told any more
};

/// An outbox that never began in this log (it is new, or the log was restored from a backup) begins with what is to
/// come, and from then on has a position. One whose position history no longer reaches goes on with what is kept.
[[nodiscard]] Result<Beginning> find_beginning(Store& store, std::string_view outbox);

/// Before anyone writes to a log that is empty: it is told from its first event on.
[[nodiscard]] Result<void> begin_empty_log(Store& store, std::string_view outbox);

}  // namespace rollcall
