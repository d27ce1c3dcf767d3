#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "store/archive/sha256.hpp"
#include "store/whole_log.hpp"

namespace rollcall {

/// What a log is known by.
struct LogSummary {
  LogHead head;
  std::uint64_t events = 0, tombstones = 0, marks = 0, outboxes = 0;
  /// SHA-256 of all but the generation, in hexadecimal. The same for the same log, in whichever engine or file.
  std::string digest;
};

/// Hears now and then how far a log has come on its way: events, the newest one's revision, and the last to come.
struct LogProgress {
  std::uint64_t events = 0;
  Revision revision, last;
};
using OnProgress = std::function<void(const LogProgress&)>;

/// Between a source and a sink: counts and digests what passes, and refuses (`incompatible`) what can't be a log.
class LogMeter final : public LogSink {
 public:
  /// `next` may be null: nobody wants it.
  explicit LogMeter(LogSink* next, OnProgress progress = {}) : next_(next), progress_(std::move(progress)) {}

  Result<void> head(const LogHead& head) override;
  Result<void> event(const KeptEvent& kept) override;
  Result<void> mark(const LeaseMark& mark) override;
  Result<void> outbox(std::string_view name, Revision confirmed) override;

  /// Once, at the end.
  [[nodiscard]] LogSummary finish();

 private:
  enum class Part : std::uint8_t { nothing, events, marks, outboxes };
  [[nodiscard]] bool come_to(Part part);
  [[nodiscard]] bool makes_sense(const KeptEvent& kept) const;
  void digest_item();

  LogSink* next_;
  OnProgress progress_;
  LogSummary summary_;
  Part part_ = Part::nothing;
  Revision last_event_;
  InstanceNumber last_mark_;
  std::string last_outbox_;
  Sha256 sha_;
  std::string item_;  ///< reused
};

}  // namespace rollcall
