#pragma once
// A file read through SQLite's own file system layer: the tests' disk is one, and a plain open() and close() beside
// SQLite would drop its POSIX locks (https://www.sqlite.org/howtocorrupt.html, section 2.2).
#include <sqlite3.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace rollcall::sqlite {

enum class FileKind : std::uint8_t { database, wal, journal };

/// The path of what lies beside a database.
[[nodiscard]] std::string companion(const std::string& database, FileKind kind);

class RawFile {
 public:
  /// Read-only. An SQLite error code when it can't be opened; nullopt when it doesn't exist.
  [[nodiscard]] static std::expected<std::optional<RawFile>, int> open(sqlite3_vfs* vfs, const std::string& database,
                                                                       FileKind kind);
  ~RawFile();
  RawFile(RawFile&& other) noexcept = default;
  RawFile& operator=(RawFile&&) = delete;

  [[nodiscard]] std::expected<std::uint64_t, int> size();
  /// Bytes beyond the end read as zero.
  [[nodiscard]] std::expected<void, int> read(std::uint64_t offset, std::span<unsigned char> into);

 private:
  RawFile() = default;
  struct FreeName {
    void operator()(const char* name) const noexcept { sqlite3_free_filename(name); }
  };
  std::unique_ptr<const char, FreeName> name_;  ///< must outlive the file
  std::unique_ptr<std::max_align_t[]> memory_;  ///< an sqlite3_file, of the size that the file system wants
};

/// What the last complete commits of a write-ahead log say (https://www.sqlite.org/fileformat2.html, section 4).
struct WalSummary {
  bool has_commit = false;
  bool has_first_page = false;
  unsigned char first_page[100] = {};  ///< the database header as of the last commit, where the log holds it
};
[[nodiscard]] std::expected<WalSummary, int> summarize_wal(RawFile& wal);

}  // namespace rollcall::sqlite
