// Files of backups: what is read of one and written again is the same log.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "store/archive/archive_format.hpp"
#include "store/archive/archive_reader.hpp"
#include "store/archive/archive_writer.hpp"
#include "store/archive/log_meter.hpp"
#include "store/packing.hpp"

namespace {

using namespace rollcall;
using archive::Block;

constexpr std::size_t kMost = 1 << 20;

void require(bool holds) {
  if (!holds) std::abort();
}

/// A file that holds `bytes` and has no name.
class NamelessFile {
 public:
  explicit NamelessFile(std::string_view bytes) : file_(memfd_create("backup", MFD_CLOEXEC)) {
    require(::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~NamelessFile() { ::close(file_); }
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

/// The summary of what is read, which `next` gets too.
std::optional<LogSummary> summary_of(std::string_view bytes, LogSink* next) {
  const NamelessFile file(bytes);
  const auto reader = ArchiveReader::open(file.path());
  require(reader.has_value());
  LogMeter meter(next);
  const auto done = (*reader)->read(meter);
  if (done) return meter.finish();
  require(!done.error().message.empty());
  return std::nullopt;
}

/// Gives the events of a block checksums that are right.
void seal_events(std::string& content) {
  Unpacker in(content);
  while (in.left() > 0) {
    in.number();
    in.number();
    in.byte();
    const auto row = in.text();
    if (!in.ok()) return;
    if (row.size() <= kChecksumBytes) continue;
    const auto body = row.substr(0, row.size() - kChecksumBytes);
    std::string checksum;
    append_fixed32(checksum_of(body), checksum);
    content.replace(static_cast<std::size_t>(body.data() - content.data()) + body.size(), kChecksumBytes, checksum);
  }
}

void append_block(std::string& file, std::uint8_t kind, std::string_view content) {
  const std::size_t begin = file.size();
  file += static_cast<char>(kind);
  append_fixed32(static_cast<std::uint32_t>(content.size()), file);
  file += content;
  append_fixed32(checksum_of(std::string_view(file).substr(begin)), file);
}

/// A file whose checksums are right, of blocks as `in` has them: kind, length, content. The end's counts are its first
/// three bytes.
std::string sealed(std::string_view in) {
  std::string file = "rollcall-backup 1\n";
  constexpr Block kKinds[] = {Block::head, Block::events, Block::marks, Block::outboxes};
  const std::string counts(in.substr(0, std::min<std::size_t>(in.size(), 3)));
  Unpacker blocks(in.substr(counts.size()));
  while (blocks.left() > 0) {
    const auto kind = kKinds[blocks.byte() % std::size(kKinds)];
    std::string content(blocks.text());
    if (!blocks.ok()) break;
    if (kind == Block::events) seal_events(content);
    append_block(file, std::to_underlying(kind), content);
  }
  Sha256 sha;
  sha.add(file);
  append_block(file, std::to_underlying(Block::end), counts + sha.finish());
  return file;
}

}  // namespace

/// The first byte tells whether the bytes are a file or what a file is made of.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > kMost) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string again;
  ArchiveWriter writer(
      [&](std::string_view bytes) {
        again += bytes;
        return Result<void>();
      },
      "fuzz", {});
  const auto first = summary_of(data[0] % 2 == 0 ? std::string(rest) : sealed(rest), &writer);
  if (!first) return 0;
  require(writer.finish().has_value());
  const auto second = summary_of(again, nullptr);
  require(second && second->digest == first->digest && second->head.generation == first->head.generation);
  return 0;
}
