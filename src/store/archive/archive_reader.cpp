#include "store/archive/archive_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "store/archive/archive_format.hpp"
#include "store/archive/sha256.hpp"
#include "store/event_row.hpp"
#include "store/packing.hpp"

namespace rollcall {
namespace {

using archive::Block;

constexpr std::size_t kReadAtOnce = 256 * 1024;

/// A file's bytes from its beginning on.
class ByteReader {
 public:
  ByteReader(const std::string& path, int file) : path_(path), file_(file) {}

  /// The next `size` bytes, fewer only at the file's end; good until the next call.
  Result<std::string_view> take(std::size_t size) {
    while (buffer_.size() - at_ < size) {
      const auto more = fill();
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
    }
    const auto taken = std::string_view(buffer_).substr(at_, size);
    at_ += taken.size();
    offset_ += taken.size();
    return taken;
  }

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

 private:
  Result<bool> fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kReadAtOnce);
    ssize_t got = 0;
    do {
      got = ::pread(file_, buffer_.data() + had, kReadAtOnce, static_cast<off_t>(offset_ + had));
    } while (got < 0 && errno == EINTR);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0)
      return fail(ErrorCode::unavailable,
                  fmt::format("{} can't be read: {}", path_, std::generic_category().message(errno)));
    return got > 0;
  }

  const std::string& path_;
  const int file_;
  std::string buffer_;
  std::size_t at_ = 0;        ///< in the buffer: what has been taken
  std::uint64_t offset_ = 0;  ///< in the file: the same
};

/// One reading of a file, whose blocks come in the order of their kinds.
class Reading {
 public:
  Reading(const std::string& path, int file, LogSink& sink, ArchiveReader::Origin& origin)
      : path_(path), bytes_(path, file), sink_(sink), origin_(origin) {}

  Result<void> run() {
    if (auto done = first_line(); !done) return done;
    while (!ended_) {
      if (auto done = block(); !done) return done;
    }
    const auto more = bytes_.take(1);
    if (!more) return std::unexpected(more.error());
    if (!more->empty()) return damaged("there is something behind its end");
    return {};
  }

 private:
  [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const {
    return fail(ErrorCode::incompatible, fmt::format("{} {}", path_, why));
  }
  [[nodiscard]] std::unexpected<Error> damaged(std::string_view why) const {
    return refuse(fmt::format("is damaged: {} (block at byte {})", why, block_at_));
  }
  [[nodiscard]] std::unexpected<Error> cut_short() const {
    return refuse(fmt::format("is cut short: it ends at byte {}", bytes_.offset()));
  }

  Result<void> first_line() {
    std::string line;
    while (line.size() < archive::kFirstLineMost && !line.ends_with('\n')) {
      const auto next = bytes_.take(1);
      if (!next) return std::unexpected(next.error());
      if (next->empty()) break;
      line += *next;
    }
    sha_.add(line);
    if (!line.starts_with(archive::kMagic)) {
      const bool may_begin_so = archive::kMagic.starts_with(line);
      return may_begin_so ? cut_short() : refuse("is no backup of Rollcall");
    }
    if (!line.ends_with('\n')) return line.size() < archive::kFirstLineMost ? cut_short() : damaged("its first line");
    std::uint64_t version = 0;
    const char* const end = line.data() + line.size() - 1;
    const auto read = std::from_chars(line.data() + archive::kMagic.size(), end, version);
    if (read.ec != std::errc() || read.ptr != end) return damaged("its first line");
    if (version == archive::kVersion) return {};
    return refuse(fmt::format("has format {}, and this program knows format {} alone", version, archive::kVersion));
  }

  Result<void> block() {
    block_at_ = bytes_.offset();
    const auto front = bytes_.take(archive::kBlockFront);
    if (!front) return std::unexpected(front.error());
    if (front->size() < archive::kBlockFront) return cut_short();
    const std::size_t length = fixed32_at(*front, 1);
    if (length > archive::kBlockMost) return damaged("its length is impossible");
    std::string whole(*front);
    const auto rest = bytes_.take(length + kChecksumBytes);
    if (!rest) return std::unexpected(rest.error());
    if (rest->size() < length + kChecksumBytes) return cut_short();
    whole += *rest;
    const auto checked = std::string_view(whole).substr(0, whole.size() - kChecksumBytes);
    if (fixed32_at(whole, checked.size()) != checksum_of(checked)) return damaged("its checksum is wrong");
    return content(static_cast<Block>(whole.front()), checked.substr(archive::kBlockFront), whole);
  }

  Result<void> content(Block kind, std::string_view content, std::string_view whole) {
    if ((kind == Block::head) == has_head_) return damaged("it stands where it can't");
    Unpacker in(content);
    if (kind == Block::end) return end(in, content);
    sha_.add(whole);
    if (kind == Block::head) return head(in);
    do {
      if (auto done = item(kind, in); !done) return done;
    } while (in.left() > 0);
    return {};
  }

  Result<void> item(Block kind, Unpacker& in) {
    switch (kind) {
      case Block::events:
        return event(in);
      case Block::marks:
        return mark(in);
      case Block::outboxes:
        return outbox(in);
      default:
        return damaged("nobody knows its kind");
    }
  }

  Result<void> head(Unpacker& in) {
    has_head_ = true;
    origin_.program = in.text();
    origin_.at = in.time();
    LogHead head;
    head.generation = Generation{in.number()};
    head.revision = Revision{in.number()};
    head.number = InstanceNumber{in.number()};
    head.compacted = Revision{in.number()};
    head.lease_clock = in.span();
    if (!in.ok() || in.left() != 0) return damaged("it doesn't read");
    return told(sink_.head(head));
  }

  Result<void> event(Unpacker& in) {
    const Revision revision{in.number()}, previous{in.number()};
    const std::uint8_t flags = in.byte();
    const auto row = in.text();
    if (!in.ok() || flags > archive::kTombstone) return damaged("it doesn't read");
    auto event = read_row(revision, previous, row);
    if (!event) return damaged(event.error());
    ++events_;
    return told(sink_.event({.event = std::move(*event), .tombstone = flags == archive::kTombstone}));
  }

  Result<void> mark(Unpacker& in) {
    const LeaseMark mark{.number = InstanceNumber{in.number()}, .last_beat = in.span()};
    if (!in.ok()) return damaged("it doesn't read");
    ++marks_;
    return told(sink_.mark(mark));
  }

  Result<void> outbox(Unpacker& in) {
    const std::string name(in.text());
    const Revision confirmed{in.number()};
    if (!in.ok()) return damaged("it doesn't read");
    ++outboxes_;
    return told(sink_.outbox(name, confirmed));
  }

  Result<void> end(Unpacker& in, std::string_view content) {
    ended_ = true;
    const bool counts_agree = in.number() == events_ && in.number() == marks_ && in.number() == outboxes_;
    if (!in.ok() || in.left() != Sha256::kBytes) return damaged("it doesn't read");
    if (content.substr(content.size() - Sha256::kBytes) != sha_.finish())
      return damaged("the file's checksum is wrong");
    if (!counts_agree) return damaged("something is missing");
    return {};
  }

  /// A sink that says the log is impossible says it of this file.
  [[nodiscard]] Result<void> told(Result<void> done) const {
    if (done || done.error().code != ErrorCode::incompatible) return done;
    return damaged(done.error().message);
  }

  const std::string& path_;
  ByteReader bytes_;
  LogSink& sink_;
  ArchiveReader::Origin& origin_;
  std::uint64_t block_at_ = 0;
  bool has_head_ = false, ended_ = false;
  std::uint64_t events_ = 0, marks_ = 0, outboxes_ = 0;
  Sha256 sha_;
};

}  // namespace

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    const auto code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable;
    return fail(code, fmt::format("{}: {}", path, std::generic_category().message(errno)));
  }
  auto reader = std::unique_ptr<ArchiveReader>(new ArchiveReader(path, file));
  struct stat status{};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid,
                fmt::format("{} is no file: a backup is checked as a whole before it is used", path));
  }
  return reader;
}

ArchiveReader::~ArchiveReader() { ::close(file_); }

Result<void> ArchiveReader::read(LogSink& sink) { return Reading(path_, file_, sink, origin_).run(); }

}  // namespace rollcall
