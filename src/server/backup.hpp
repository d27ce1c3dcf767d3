#pragma once
// `rollcall backup`, `restore` and `migrate`: a log's way from one place to another (docs/operations.md, Backups).
#include <functional>
#include <string>

#include "server/log_place.hpp"
#include "store/archive/archive_reader.hpp"
#include "store/archive/log_meter.hpp"

namespace rollcall {

/// What is being done, and how far it is.
using OnCopyProgress = std::function<void(std::string_view doing, const LogProgress&)>;

/// A log as it is at one moment, into a file that is there whole or not at all; "-" is standard output. Daemons go on.
[[nodiscard]] Result<LogSummary> back_up(const LogPlace& from, const std::string& file, const OnCopyProgress& progress);

/// What is in a file, once all of it has been read and is right.
struct BackupContent {
  LogSummary log;
  ArchiveReader::Origin origin;
};
[[nodiscard]] Result<BackupContent> verify_backup(const std::string& file, const OnCopyProgress& progress);

/// The log in a file, under a new generation, to where there is none and no daemon. Everything is checked before
/// anything is written, and read back afterwards: its summary.
[[nodiscard]] Result<LogSummary> restore(const std::string& file, const LogPlace& to, const OnCopyProgress& progress);

/// A log from one place to another, whose generation it keeps. No daemon may use either; what it was moved from stays
/// as it is.
struct Migrated {
  LogSummary from, to;  ///< `to` as read back
};
[[nodiscard]] Result<Migrated> migrate(const LogPlace& from, const LogPlace& to, const OnCopyProgress& progress);

}  // namespace rollcall
