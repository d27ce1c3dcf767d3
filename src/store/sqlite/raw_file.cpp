#include "store/sqlite/raw_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace rollcall::sqlite {
namespace {

sqlite3_file* file_in(const std::unique_ptr<std::max_align_t[]>& memory) {
  return reinterpret_cast<sqlite3_file*>(memory.get());
}

int type_of(FileKind kind) {
  switch (kind) {
    case FileKind::database:
      return SQLITE_OPEN_MAIN_DB;
    case FileKind::wal:
      return SQLITE_OPEN_WAL;
    case FileKind::journal:
      return SQLITE_OPEN_MAIN_JOURNAL;
  }
  std::unreachable();
}

std::uint32_t big_endian(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

/// The log's running checksum: its own two sums over pairs of 32-bit words.
class WalSum {
 public:
  explicit WalSum(bool big) : big_(big) {}
  void add(std::span<const unsigned char> bytes) {
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      first_ += word(&bytes[i]) + second_;
      second_ += word(&bytes[i + 4]) + first_;
    }
  }
  [[nodiscard]] bool is(const unsigned char* stored) const {
    return first_ == big_endian(stored) && second_ == big_endian(stored + 4);
  }

 private:
  [[nodiscard]] std::uint32_t word(const unsigned char* bytes) const {
    const std::uint32_t value = big_endian(bytes);
    return big_ ? value : __builtin_bswap32(value);
  }
  bool big_;
  std::uint32_t first_ = 0, second_ = 0;
};

constexpr std::size_t kWalHeader = 32, kFrameHeader = 24;
constexpr std::uint32_t kWalMagic = 0x377F0682;  // the last bit tells the order of the checksum's words

}  // namespace

std::string companion(const std::string& database, FileKind kind) {
  switch (kind) {
    case FileKind::database:
      return database;
    case FileKind::wal:
      return database + "-wal";
    case FileKind::journal:
      return database + "-journal";
  }
  std::unreachable();
}

std::expected<std::optional<RawFile>, int> RawFile::open(sqlite3_vfs* vfs, const std::string& database, FileKind kind) {
  std::vector<char> full(static_cast<std::size_t>(vfs->mxPathname) + 1);
  if (const int code = vfs->xFullPathname(vfs, database.c_str(), vfs->mxPathname, full.data());
      (code & 0xFF) != SQLITE_OK) {
    return std::unexpected(code);
  }
  const std::string base(full.data());
  int there = 0;
  if (const int code = vfs->xAccess(vfs, companion(base, kind).c_str(), SQLITE_ACCESS_EXISTS, &there);
      code != SQLITE_OK) {
    return std::unexpected(code);
  }
  // xAccess finds a journal or log that is empty not worth telling of, and so do its users; a database is opened.
  if (there == 0) return std::nullopt;

  RawFile file;
  const std::string wal = companion(base, FileKind::wal), journal = companion(base, FileKind::journal);
  file.name_.reset(sqlite3_create_filename(base.c_str(), journal.c_str(), wal.c_str(), 0, nullptr));
  if (!file.name_) return std::unexpected(SQLITE_NOMEM);
  const char* name = file.name_.get();
  if (kind == FileKind::wal) name = sqlite3_filename_wal(name);
  if (kind == FileKind::journal) name = sqlite3_filename_journal(name);
  file.memory_ =
      std::make_unique<std::max_align_t[]>(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
  const int code = vfs->xOpen(vfs, name, file_in(file.memory_), SQLITE_OPEN_READONLY | type_of(kind), nullptr);
  if (code != SQLITE_OK) return std::unexpected(code);
  return file;
}

RawFile::~RawFile() {
  if (!memory_) return;
  sqlite3_file* file = file_in(memory_);
  if (file->pMethods != nullptr) file->pMethods->xClose(file);
}

std::expected<std::uint64_t, int> RawFile::size() {
  sqlite3_int64 size = 0;
  sqlite3_file* file = file_in(memory_);
  if (const int code = file->pMethods->xFileSize(file, &size); code != SQLITE_OK) return std::unexpected(code);
  return static_cast<std::uint64_t>(size);
}

std::expected<void, int> RawFile::read(std::uint64_t offset, std::span<unsigned char> into) {
  sqlite3_file* file = file_in(memory_);
  const int code =
      file->pMethods->xRead(file, into.data(), static_cast<int>(into.size()), static_cast<sqlite3_int64>(offset));
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) return std::unexpected(code);
  return {};
}

std::expected<WalSummary, int> summarize_wal(RawFile& wal) {
  WalSummary summary;
  std::array<unsigned char, kWalHeader> header{};
  const auto size = wal.size();
  if (!size) return std::unexpected(size.error());
  if (const auto got = wal.read(0, header); !got) return std::unexpected(got.error());
  const std::uint32_t magic = big_endian(header.data()), page_size = big_endian(&header[8]);
  WalSum sum((magic & 1) != 0);
  sum.add(std::span(header).first(24));
  const bool sane = (magic & ~1U) == kWalMagic && std::has_single_bit(page_size) && page_size >= 512 &&
                    page_size <= 65'536 && sum.is(&header[24]);
  if (!sane) return summary;

  std::vector<unsigned char> frame(kFrameHeader + page_size);
  std::array<unsigned char, 100> first_page{};
  bool first_page_seen = false;
  for (std::uint64_t at = kWalHeader; at + frame.size() <= *size; at += frame.size()) {
    if (const auto got = wal.read(at, frame); !got) return std::unexpected(got.error());
    sum.add(std::span(frame).first(8));
    sum.add(std::span(frame).subspan(kFrameHeader));
    const bool same_log = std::equal(&frame[8], &frame[16], &header[16]);
    if (!same_log || !sum.is(&frame[16])) break;
    if (big_endian(frame.data()) == 1) {
      std::copy_n(&frame[kFrameHeader], first_page.size(), first_page.begin());
      first_page_seen = true;
    }
    if (big_endian(&frame[4]) == 0) continue;
    summary.has_commit = true;
    summary.has_first_page = first_page_seen;
    std::ranges::copy(first_page, summary.first_page);
  }
  return summary;
}

}  // namespace rollcall::sqlite
