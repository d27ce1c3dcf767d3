#include "registry/log_reader.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace rollcall {
namespace {

constexpr std::size_t kEventsPerRead = 10'000;

class LogReader : public std::enable_shared_from_this<LogReader> {
 public:
  LogReader(const Registry::Parts& parts, LogReading reading) : parts_(parts), reading_(std::move(reading)) {}

  void read_on() {
    parts_.store_executor.post([self = shared_from_this(), after = parts_.catalog.revision()] {
      auto events = std::make_shared<Result<std::vector<EventPtr>>>(self->parts_.store.read(after, kEventsPerRead));
      self->parts_.own.post([self, events] { self->have_read(*events); });
    });
  }

 private:
  void have_read(const Result<std::vector<EventPtr>>& events) {
    if (!events && events.error().code == ErrorCode::compacted) return start_over();
    if (!events) return reading_.done(std::unexpected(events.error()));
    reading_.apply(*events);
    if (events->size() == kEventsPerRead) return read_on();
    reading_.done({});
  }

  /// The log no longer reaches back to what this node had seen: take the state as it is now.
  void start_over() {
    parts_.store_executor.post([self = shared_from_this()] {
      auto snapshot = std::make_shared<Result<Snapshot>>(self->parts_.store.snapshot());
      self->parts_.own.post([self, snapshot] {
        if (!*snapshot) return self->reading_.done(std::unexpected(snapshot->error()));
        self->reading_.replace(**snapshot);
        self->reading_.done({});
      });
    });
  }

  const Registry::Parts parts_;
  const LogReading reading_;
};

}  // namespace

void read_log(const Registry::Parts& parts, LogReading reading) {
  std::make_shared<LogReader>(parts, std::move(reading))->read_on();
}

}  // namespace rollcall
