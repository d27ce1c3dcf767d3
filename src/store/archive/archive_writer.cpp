#include "store/archive/archive_writer.hpp"

#include "store/archive/archive_format.hpp"
#include "store/event_row.hpp"
#include "store/packing.hpp"

namespace rollcall {

using archive::Block;

Result<void> ArchiveWriter::write(std::string_view bytes) {
  sha_.add(bytes);
  return write_(bytes);
}

Result<void> ArchiveWriter::end_block() {
  if (kind_ == 0) return {};
  std::string front(1, kind_);
  append_fixed32(static_cast<std::uint32_t>(content_.size()), front);
  content_.insert(0, front);
  append_fixed32(checksum_of(content_), content_);
  auto written = write(content_);
  content_.clear();
  kind_ = 0;
  return written;
}

Result<void> ArchiveWriter::begin_item(char kind) {
  if (kind_ == kind && content_.size() < archive::kBlockFull) return {};
  auto ended = end_block();
  kind_ = kind;
  return ended;
}

Result<void> ArchiveWriter::head(const LogHead& head) {
  std::string line(archive::kMagic);
  line += std::to_string(archive::kVersion) + "\n";
  if (auto done = write(line); !done) return done;
  if (auto done = begin_item(std::to_underlying(Block::head)); !done) return done;
  Packer packer(content_);
  packer.text(program_);
  packer.time(at_);
  packer.number(head.generation.value);
  packer.number(head.revision.value);
  packer.number(head.number.value);
  packer.number(head.compacted.value);
  packer.span(head.lease_clock);
  return end_block();
}

Result<void> ArchiveWriter::event(const KeptEvent& kept) {
  if (auto done = begin_item(std::to_underlying(Block::events)); !done) return done;
  ++events_;
  row_.clear();
  append_row(*kept.event, row_);
  Packer packer(content_);
  packer.number(kept.event->revision.value);
  packer.number(kept.event->previous.value);
  packer.byte(kept.tombstone ? archive::kTombstone : 0);
  packer.text(row_);
  return {};
}

Result<void> ArchiveWriter::mark(const LeaseMark& mark) {
  if (auto done = begin_item(std::to_underlying(Block::marks)); !done) return done;
  ++marks_;
  Packer packer(content_);
  packer.number(mark.number.value);
  packer.span(mark.last_beat);
  return {};
}

Result<void> ArchiveWriter::outbox(std::string_view name, Revision confirmed) {
  if (auto done = begin_item(std::to_underlying(Block::outboxes)); !done) return done;
  ++outboxes_;
  Packer packer(content_);
  packer.text(name);
  packer.number(confirmed.value);
  return {};
}

Result<void> ArchiveWriter::finish() {
  if (auto done = begin_item(std::to_underlying(Block::end)); !done) return done;
  Packer packer(content_);
  for (const auto count : {events_, marks_, outboxes_}) packer.number(count);
  content_ += sha_.finish();
  return end_block();
}

}  // namespace rollcall
