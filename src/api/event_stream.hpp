#pragma once
// The log as it grows, for one reader.
#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "base/limits.hpp"
#include "catalog/catalog.hpp"
#include "http/stream.hpp"

namespace rollcall::api {

enum class StreamForm : std::uint8_t {
  server_sent_events,
  lines,  ///< `{"id":"GENERATION-REVISION","event":"registered","data":{...}}`, one a line
};

struct StreamPosition {
  Generation generation;
  Revision revision;
};

/// References outlive the stream. `own` runs on the reader's thread.
struct StreamParts {
  const Catalog& catalog;
  Executor& own;
  const Clock& clock;
  const WatchLimits& limits;
};

/// Every event after `position` that concerns the filter. `compacted`: the log doesn't reach back that far, or is
/// another.
[[nodiscard]] Result<std::unique_ptr<http::BodyStream>> open_event_stream(const StreamParts& parts, Filter filter,
                                                                          StreamPosition position, StreamForm form);

}  // namespace rollcall::api
