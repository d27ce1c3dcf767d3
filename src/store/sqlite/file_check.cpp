#include "store/sqlite/file_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "store/sqlite/raw_file.hpp"

namespace rollcall::sqlite {
namespace {

constexpr std::size_t kHeaderBytes = 100;
using Header = std::array<unsigned char, kHeaderBytes>;

// https://www.sqlite.org/fileformat2.html, section 1.3.
constexpr std::string_view kMagic("SQLite format 3\0", 16);

std::uint32_t field(const Header& header, std::size_t offset) {
  return std::uint32_t{header[offset]} << 24 | std::uint32_t{header[offset + 1]} << 16 |
         std::uint32_t{header[offset + 2]} << 8 | header[offset + 3];
}
std::uint32_t page_size_of(const Header& header) {
  const std::uint32_t size = std::uint32_t{header[16]} << 8 | header[17];
  return size == 1 ? 65'536 : size;
}
std::uint32_t version_of(const Header& header) { return field(header, 60); }
std::uint32_t application_of(const Header& header) { return field(header, 68); }

bool is_all_zero(const Header& header) {
  return std::ranges::all_of(header, [](unsigned char byte) { return byte == 0; });
}

std::unexpected<Error> refuse(std::string_view path, std::string_view found) {
  return fail(ErrorCode::incompatible,
              fmt::format("{} {}. It was left as it is: move it away, or choose another data directory", path, found));
}

std::unexpected<Error> unreadable(std::string_view path, int code) {
  return fail(ErrorCode::unavailable, fmt::format("{} can't be read: {}", path, sqlite3_errstr(code)));
}

/// Whose header it is, and of which version.
Result<void> check_identity(std::string_view path, const Header& header, std::uint32_t newest_version) {
  if (!std::equal(kMagic.begin(), kMagic.end(), reinterpret_cast<const char*>(header.data()))) {
    return refuse(path, "is not a log of Rollcall: it isn't an SQLite database");
  }
  if (application_of(header) != kApplicationId) {
    return refuse(path, fmt::format("is not a log of Rollcall: it is the SQLite database of another program "
                                    "(application id {:#010x})",
                                    application_of(header)));
  }
  if (version_of(header) > newest_version) {
    return refuse(path, fmt::format("was written by a newer Rollcall (schema version {}; this program knows up to {})",
                                    version_of(header), newest_version));
  }
  return {};
}

Result<void> check_shape(std::string_view path, const Header& header) {
  const std::uint32_t page_size = page_size_of(header);
  const bool sane = std::has_single_bit(page_size) && page_size >= 512 && header[18] >= 1 && header[18] <= 2 &&
                    header[19] >= 1 && header[19] <= 2 && header[21] == 64 && header[22] == 32 && header[23] == 32;
  if (!sane) return refuse(path, "is damaged: its header makes no sense");
  return {};
}

Result<void> check_length(std::string_view path, const Header& header, std::uint64_t size) {
  const std::uint64_t page_size = page_size_of(header);
  const std::uint64_t pages = field(header, 28);
  const bool pages_known = field(header, 24) == field(header, 92);
  const std::uint64_t expected = pages_known ? pages * page_size : size / page_size * page_size;
  if (size < expected || size % page_size != 0) {
    return refuse(path, fmt::format("is damaged: it has {} bytes where its header promises {}", size, expected));
  }
  return {};
}

struct Companions {
  bool has_journal = false;
  WalSummary wal;
};

Result<Companions> look_beside(sqlite3_vfs* vfs, const std::string& path, FileReport& report) {
  Companions found;
  auto journal = RawFile::open(vfs, path, FileKind::journal);
  if (!journal) return unreadable(companion(path, FileKind::journal), journal.error());
  found.has_journal = journal->has_value();
  auto wal = RawFile::open(vfs, path, FileKind::wal);
  if (!wal) return unreadable(companion(path, FileKind::wal), wal.error());
  report.has_wal = wal->has_value();
  if (!report.has_wal) return found;
  const auto summary = summarize_wal(**wal);
  if (!summary) return unreadable(companion(path, FileKind::wal), summary.error());
  found.wal = *summary;
  return found;
}

bool exists(sqlite3_vfs* vfs, const std::string& path) {
  int there = 0;
  return vfs->xAccess(vfs, path.c_str(), SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && there != 0;
}

/// One sentence for what the system said.
std::unexpected<Error> system_failure(std::string_view path, int error) {
  return fail(ErrorCode::unavailable, fmt::format("{}: {}", path, std::strerror(error)));
}

/// What root makes in a directory of somebody else's is for him: a log that is restored for a daemon.
void give_to_owner_of(const std::string& directory, int file) {
  struct stat status{};
  if (::geteuid() != 0 || ::stat(directory.c_str(), &status) != 0) return;
  static_cast<void>(::fchown(file, status.st_uid, status.st_gid) == 0);
}

}  // namespace

Result<FileReport> check_file(const std::string& path, const std::string& vfs_name, std::uint32_t newest_version) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
  if (vfs == nullptr) return fail(ErrorCode::internal, "no such file system layer: " + vfs_name);
  FileReport report;
  auto file = RawFile::open(vfs, path, FileKind::database);
  if (!file) return unreadable(path, file.error());
  const auto size = *file ? (*file)->size() : 0;
  if (!size) return unreadable(path, size.error());
  if (*size == 0) {
    const std::string wal = companion(path, FileKind::wal);
    if (exists(vfs, wal)) return refuse(wal, "is a write-ahead log whose database is gone");
    return report;
  }

  report.exists = true;
  Header header{};
  if (const auto got = (*file)->read(0, header); !got) return unreadable(path, got.error());
  const auto beside = look_beside(vfs, path, report);
  if (!beside) return std::unexpected(beside.error());
  report.has_shm = exists(vfs, path + "-shm");
  // SQLite writes a journal before a new file's first page: such a file holds nothing yet, and the journal undoes it.
  report.unfinished = beside->has_journal;
  if (report.unfinished && is_all_zero(header)) return report;

  if (auto own = check_identity(path, header, newest_version); !own) return std::unexpected(own.error());
  if (report.unfinished) return report;
  if (auto sane = check_shape(path, header); !sane) return std::unexpected(sane.error());
  if (beside->wal.has_first_page) {
    Header newer{};
    std::ranges::copy(beside->wal.first_page, newer.begin());
    if (auto own = check_identity(path, newer, newest_version); !own) return std::unexpected(own.error());
  }
  // Pages that a crash kept from the file are in the write-ahead log.
  if (beside->wal.has_commit) return report;
  if (auto whole = check_length(path, header, *size); !whole) return std::unexpected(whole.error());
  return report;
}

Result<void> create_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    if (errno == EEXIST) return {};
    return system_failure(path, errno);
  }
  const auto parent = std::filesystem::absolute(path).parent_path();
  give_to_owner_of(parent.native(), file);
  ::close(file);
  const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return system_failure(parent.native(), errno);
  const int synced = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  if (synced != 0) return system_failure(parent.native(), error);
  return {};
}

void remove_shm(const std::string& path, const std::string& vfs_name) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
  if (vfs != nullptr) vfs->xDelete(vfs, (path + "-shm").c_str(), 0);
}

}  // namespace rollcall::sqlite
