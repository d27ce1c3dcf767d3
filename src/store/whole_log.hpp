#pragma once
// A log as a whole: for backups, and for moving it from one engine to another. A Store hands out what readers of the
// registry need; here everything goes that is kept, so that the log which is made of it can't be told from the first.
#include <chrono>
#include <string_view>

#include "store/store.hpp"

namespace rollcall {

/// How far a log has come: its newest rows may be gone, and what they were numbered is never given again.
struct LogHead {
  Generation generation;
  Revision revision;
  InstanceNumber number;
  Revision compacted;                        ///< the events up to here are the state as of it, and no more
  std::chrono::milliseconds lease_clock{0};  ///< when lease marks were last saved
};

struct KeptEvent {
  EventPtr event;
  bool tombstone = false;  ///< a removal that delayed requests are still judged by
};

/// Takes a log: its head, the events as their revisions rise, the lease marks by number, the outboxes by name. After a
/// failure nothing more is handed over.
class LogSink {
 public:
  virtual ~LogSink() = default;
  [[nodiscard]] virtual Result<void> head(const LogHead& head) = 0;
  [[nodiscard]] virtual Result<void> event(const KeptEvent& kept) = 0;
  [[nodiscard]] virtual Result<void> mark(const LeaseMark& mark) = 0;
  [[nodiscard]] virtual Result<void> outbox(std::string_view name, Revision confirmed) = 0;
};

class LogSource {
 public:
  virtual ~LogSource() = default;
  /// Hands over the log as it is at one moment, and holds a bounded piece of it in memory. Whoever writes to the log
  /// meanwhile isn't held up. Fails as the source does, with what it may have handed over already, or as `sink` does.
  [[nodiscard]] virtual Result<void> read(LogSink& sink) = 0;
};

/// A log that is being made. Nobody sees anything of it before commit(), and nothing remains of it without.
class NewLog : public LogSink {
 public:
  /// Durable when it returns. `unknown_outcome`: perhaps it is there, and then it is whole.
  [[nodiscard]] virtual Result<void> commit() = 0;
};

}  // namespace rollcall
