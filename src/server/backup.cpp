#include "server/backup.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "server/version.hpp"
#include "store/archive/archive_writer.hpp"
#include "store/archive/kept_file.hpp"

namespace rollcall {
namespace {

/// `to` may be null: it is only read.
Result<LogSummary> copy(LogSource& from, LogSink* to, std::string_view doing, const OnCopyProgress& progress) {
  LogMeter meter(to, [&](const LogProgress& made) {
    if (progress) progress(doing, made);
  });
  if (auto done = from.read(meter); !done) return std::unexpected(std::move(done.error()));
  return meter.finish();
}

Result<LogSummary> write_archive(LogSource& from, const WriteBytes& write, const OnCopyProgress& progress) {
  const SystemClock clock;
  ArchiveWriter writer(write, fmt::format("rollcall {}", kVersion), clock.wall_now());
  auto summary = copy(from, &writer, "writing", progress);
  if (!summary) return summary;
  if (auto ended = writer.finish(); !ended) return std::unexpected(std::move(ended.error()));
  return summary;
}

/// What comes back is another log as far as revisions go: those after the backup are given anew. Outboxes have
/// confirmed nothing of it.
class UnderNewGeneration final : public LogSource {
 public:
  explicit UnderNewGeneration(LogSource& from) : from_(from) {}
  Result<void> read(LogSink& sink) override {
    Renewed renewed(sink);
    return from_.read(renewed);
  }

 private:
  class Renewed final : public LogSink {
   public:
    explicit Renewed(LogSink& next) : next_(next) {}
    Result<void> head(const LogHead& head) override {
      auto changed = head;
      changed.generation = {};
      return next_.head(changed);
    }
    Result<void> event(const KeptEvent& kept) override { return next_.event(kept); }
    Result<void> mark(const LeaseMark& mark) override { return next_.mark(mark); }
    Result<void> outbox(std::string_view, Revision) override { return {}; }

   private:
    LogSink& next_;
  };

  LogSource& from_;
};

/// The new log as anyone would read it.
Result<LogSummary> read_back(const LogPlace& place, const LogSummary& written, const OnCopyProgress& progress) {
  const auto source = place.source(false);
  if (!source) return std::unexpected(source.error());
  auto found = copy(**source, nullptr, "reading back", progress);
  if (!found || found->digest == written.digest) return found;
  return fail(ErrorCode::internal, fmt::format("what was written to {} reads as something else ({}, and not {}): don't "
                                               "use it",
                                               place.name(), found->digest, written.digest));
}

}  // namespace

Result<LogSummary> back_up(const LogPlace& from, const std::string& file, const OnCopyProgress& progress) {
  const auto source = from.source(false);
  if (!source) return std::unexpected(source.error());
  if (file == "-") {
    const auto write = [](std::string_view bytes) { return write_all(STDOUT_FILENO, bytes, "standard output"); };
    return write_archive(**source, write, progress);
  }
  auto kept = KeptFile::open(file);
  if (!kept) return std::unexpected(std::move(kept.error()));
  auto summary = write_archive(**source, [&](std::string_view bytes) { return kept->write(bytes); }, progress);
  if (!summary) return summary;
  if (auto done = kept->keep(); !done) return std::unexpected(std::move(done.error()));
  return summary;
}

Result<BackupContent> verify_backup(const std::string& file, const OnCopyProgress& progress) {
  const auto reader = ArchiveReader::open(file);
  if (!reader) return std::unexpected(reader.error());
  auto log = copy(**reader, nullptr, "checking", progress);
  if (!log) return std::unexpected(std::move(log.error()));
  return BackupContent{.log = std::move(*log), .origin = (*reader)->origin()};
}

Result<LogSummary> restore(const std::string& file, const LogPlace& to, const OnCopyProgress& progress) {
  const auto reader = ArchiveReader::open(file);
  if (!reader) return std::unexpected(reader.error());
  UnderNewGeneration restored(**reader);
  const auto checked = copy(restored, nullptr, "checking", progress);
  if (!checked) return checked;
  const auto held = to.keep_daemons_out();
  if (!held) return std::unexpected(held.error());
  const auto log = to.make();
  if (!log) return std::unexpected(log.error());
  const auto written = copy(restored, log->get(), "writing", progress);
  if (!written) return written;
  if (written->digest != checked->digest) return fail(ErrorCode::conflict, file + " was changed while it was read");
  if (auto done = (*log)->commit(); !done) return std::unexpected(std::move(done.error()));
  return read_back(to, *written, progress);
}

Result<Migrated> migrate(const LogPlace& from, const LogPlace& to, const OnCopyProgress& progress) {
  if (from == to) return fail(ErrorCode::invalid, "is where the log is already", "--to");
  const auto from_held = from.keep_daemons_out();
  if (!from_held) return std::unexpected(from_held.error());
  const auto to_held = to.keep_daemons_out();
  if (!to_held) return std::unexpected(to_held.error());
  const auto source = from.source(true);
  if (!source) return std::unexpected(source.error());
  const auto log = to.make();
  if (!log) return std::unexpected(log.error());
  auto moved = copy(**source, log->get(), "writing", progress);
  if (!moved) return std::unexpected(std::move(moved.error()));
  if (auto done = (*log)->commit(); !done) return std::unexpected(std::move(done.error()));
  auto found = read_back(to, *moved, progress);
  if (!found) return std::unexpected(std::move(found.error()));
  return Migrated{.from = std::move(*moved), .to = std::move(*found)};
}

}  // namespace rollcall
