#include "store/archive/log_meter.hpp"

#include "store/event_row.hpp"
#include "store/packing.hpp"

namespace rollcall {
namespace {

constexpr std::uint64_t kEventsBetweenProgress = 1'024;

std::unexpected<Error> nonsense(const std::string& what) {
  return fail(ErrorCode::incompatible, "the log makes no sense: " + what);
}

}  // namespace

bool LogMeter::come_to(Part part) {
  if (part_ == Part::nothing || part < part_) return false;
  part_ = part;
  return true;
}

void LogMeter::digest_item() {
  sha_.add(item_);
  item_.clear();
}

Result<void> LogMeter::head(const LogHead& head) {
  if (part_ != Part::nothing) return nonsense("it has two heads");
  if (head.compacted > head.revision) return nonsense("it has forgotten more than there was");
  part_ = Part::events;
  summary_.head = head;
  Packer packer(item_);
  packer.number(head.revision.value);
  packer.number(head.number.value);
  packer.number(head.compacted.value);
  packer.span(head.lease_clock);
  digest_item();
  return next_ == nullptr ? Result<void>() : next_->head(head);
}

bool LogMeter::makes_sense(const KeptEvent& kept) const {
  const Event& event = *kept.event;
  const InstanceNumber number = event.instance->number;
  return event.revision > last_event_ && event.revision <= summary_.head.revision && event.previous < event.revision &&
         number && number <= summary_.head.number && (!kept.tombstone || event.kind == EventKind::removed);
}

Result<void> LogMeter::event(const KeptEvent& kept) {
  const Revision revision = kept.event->revision;
  if (!come_to(Part::events) || !makes_sense(kept)) {
    return nonsense("event " + std::to_string(revision.value) + " can't stand where it stands");
  }
  last_event_ = revision;
  ++summary_.events;
  if (kept.tombstone) ++summary_.tombstones;
  Packer packer(item_);
  packer.number(revision.value);
  packer.number(kept.event->previous.value);
  packer.byte(kept.tombstone ? 1 : 0);
  append_row(*kept.event, item_);
  digest_item();
  if (progress_ && summary_.events % kEventsBetweenProgress == 0) {
    progress_({.events = summary_.events, .revision = revision, .last = summary_.head.revision});
  }
  return next_ == nullptr ? Result<void>() : next_->event(kept);
}

Result<void> LogMeter::mark(const LeaseMark& mark) {
  if (!come_to(Part::marks) || mark.number <= last_mark_) {
    return nonsense("the lease mark of instance number " + std::to_string(mark.number.value) + " is out of order");
  }
  last_mark_ = mark.number;
  ++summary_.marks;
  Packer packer(item_);
  packer.number(mark.number.value);
  packer.span(mark.last_beat);
  digest_item();
  return next_ == nullptr ? Result<void>() : next_->mark(mark);
}

Result<void> LogMeter::outbox(std::string_view name, Revision confirmed) {
  if (!come_to(Part::outboxes) || (summary_.outboxes != 0 && name <= last_outbox_)) {
    return nonsense("the outboxes are out of order");
  }
  last_outbox_ = name;
  ++summary_.outboxes;
  Packer packer(item_);
  packer.text(name);
  packer.number(confirmed.value);
  digest_item();
  return next_ == nullptr ? Result<void>() : next_->outbox(name, confirmed);
}

LogSummary LogMeter::finish() {
  Packer packer(item_);
  for (const auto count : {summary_.events, summary_.marks, summary_.outboxes}) packer.number(count);
  digest_item();
  summary_.digest = hex_of(sha_.finish());
  return summary_;
}

}  // namespace rollcall
