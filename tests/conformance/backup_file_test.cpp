// A backup's file: what it holds, and that nothing of a damaged one is taken for a log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "conformance/engines.hpp"
#include "conformance/values.hpp"
#include "store/archive/archive_reader.hpp"
#include "store/archive/archive_writer.hpp"
#include "store/archive/kept_file.hpp"
#include "store/archive/log_meter.hpp"
#include "store/packing.hpp"

namespace rollcall::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

/// A log as it is told, without an engine.
class ToldLog final : public LogSource {
 public:
  explicit ToldLog(std::uint64_t events) : events_(events) {}

  Result<void> read(LogSink& sink) override {
    const LogHead head{.generation = Generation{7},
                       .revision = Revision{events_ + 3},
                       .number = InstanceNumber{events_ + 1},
                       .compacted = Revision{1},
                       .lease_clock = 12'345ms};
    if (auto done = sink.head(head); !done) return done;
    for (std::uint64_t revision = 1; revision <= events_; ++revision) {
      if (auto done = sink.event(kept(revision)); !done) return done;
    }
    for (std::uint64_t number = 1; number <= events_; number += 3) {
      const auto done = sink.mark({.number = InstanceNumber{number}, .last_beat = std::chrono::milliseconds(number)});
      if (!done) return done;
    }
    return sink.outbox("rabbit", Revision{2});
  }

 private:
  static KeptEvent kept(std::uint64_t revision) {
    auto instance = std::make_shared<Instance>(full_instance("i" + std::to_string(revision)));
    instance->number = InstanceNumber{revision};
    instance->created = instance->modified = Revision{revision};
    const bool removal = revision % 5 == 0;
    auto event = std::make_shared<Event>(Event{.revision = Revision{revision},
                                               .previous = Revision{removal ? revision - 1 : 0},
                                               .at = kNoon,
                                               .kind = removal ? EventKind::removed : EventKind::registered,
                                               .cause = {"api", "asked to"},
                                               .instance = std::move(instance)});
    return {.event = std::move(event), .tombstone = revision % 10 == 0};
  }
  std::uint64_t events_;
};

class BackupFile : public ::testing::Test {
 protected:
  static std::string bytes_of(LogSource& log) {
    std::string bytes;
    ArchiveWriter writer(
        [&](std::string_view more) {
          bytes += more;
          return Result<void>();
        },
        "rollcall test", kNoon);
    EXPECT_TRUE(log.read(writer));
    EXPECT_TRUE(writer.finish());
    return bytes;
  }

  Result<LogSummary> read(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    auto reader = ArchiveReader::open(path_);
    if (!reader) return std::unexpected(reader.error());
    LogMeter meter(nullptr);
    if (auto done = (*reader)->read(meter); !done) return std::unexpected(done.error());
    origin_ = (*reader)->origin();
    return meter.finish();
  }

  void expect_refused(const std::string& bytes, const std::string& because) {
    const auto summary = read(bytes);
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code, ErrorCode::incompatible);
    EXPECT_THAT(summary.error().message, StartsWith(path_));
    EXPECT_THAT(summary.error().message, HasSubstr(because));
  }

  TempDir directory_;
  std::string path_ = directory_.file("backup");
  ArchiveReader::Origin origin_;
};

/// Where the blocks of a file begin.
std::vector<std::size_t> blocks_of(const std::string& bytes) {
  std::vector<std::size_t> blocks;
  for (std::size_t at = bytes.find('\n') + 1; at < bytes.size(); at += 5 + fixed32_at(bytes, at + 1) + 4) {
    blocks.push_back(at);
  }
  return blocks;
}

/// A block anew, with a checksum that is right for it.
void seal(std::string& bytes, std::size_t block) {
  const std::size_t size = 5 + fixed32_at(bytes, block + 1);
  std::string checksum;
  append_fixed32(checksum_of(std::string_view(bytes).substr(block, size)), checksum);
  bytes.replace(block + size, checksum.size(), checksum);
}

TEST_F(BackupFile, WhatWasWrittenIsRead) {
  ToldLog log(1'000);
  LogMeter meter(nullptr);
  ASSERT_TRUE(log.read(meter));
  const auto told = meter.finish();
  const auto bytes = bytes_of(log);
  EXPECT_THAT(bytes, StartsWith("rollcall-backup 1\n"));
  EXPECT_GT(blocks_of(bytes).size(), 5U);
  const auto summary = read(bytes);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->digest, told.digest);
  EXPECT_EQ(summary->head.generation, Generation{7});
  EXPECT_EQ(summary->head.revision, Revision{1'003});
  EXPECT_EQ(summary->events, 1'000U);
  EXPECT_EQ(summary->tombstones, 100U);
  EXPECT_EQ(summary->marks, 334U);
  EXPECT_EQ(summary->outboxes, 1U);
  EXPECT_EQ(origin_.program, "rollcall test");
  EXPECT_EQ(origin_.at, kNoon);
}

TEST_F(BackupFile, EveryDamagedByteIsToldOf) {
  ToldLog log(6);
  const auto whole = bytes_of(log);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    SCOPED_TRACE(at);
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    expect_refused(damaged, "");
  }
}

TEST_F(BackupFile, EveryTruncatedFileIsToldOf) {
  ToldLog log(6);
  const auto whole = bytes_of(log);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    expect_refused(whole.substr(0, size), "is cut short");
  }
}

TEST_F(BackupFile, EveryDamagedBlockIsNamed) {
  ToldLog log(1'000);
  const auto whole = bytes_of(log);
  for (const std::size_t block : blocks_of(whole)) {
    auto damaged = whole;
    damaged[block + 7] = static_cast<char>(damaged[block + 7] + 1);
    expect_refused(damaged, "its checksum is wrong (block at byte " + std::to_string(block) + ")");
  }
}

// A block's own checksum can't tell that another one is gone, or that it was exchanged.
TEST_F(BackupFile, WhatFitsInItselfButNotTogetherIsToldOf) {
  ToldLog log(1'000);
  const auto whole = bytes_of(log);
  const auto blocks = blocks_of(whole);
  for (std::size_t i = 0; i + 1 < blocks.size(); ++i) {
    SCOPED_TRACE(i);
    auto without = whole;
    without.erase(blocks[i], blocks[i + 1] - blocks[i]);
    expect_refused(without, "is damaged");
    auto twice = whole;
    twice.insert(blocks[i], whole.substr(blocks[i], blocks[i + 1] - blocks[i]));
    expect_refused(twice, "is damaged");
  }
  auto changed = whole;
  const auto clock = blocks[1] - 4 - 1;  // the head's last byte
  changed[clock] = static_cast<char>(changed[clock] ^ 1);
  seal(changed, blocks[0]);
  expect_refused(changed, "the file's checksum is wrong");
}

TEST_F(BackupFile, WhatStandsBehindTheEndIsToldOf) {
  ToldLog log(6);
  expect_refused(bytes_of(log) + "\n", "there is something behind its end");
}

TEST_F(BackupFile, AnImpossibleLengthIsNotBelieved) {
  ToldLog log(6);
  auto bytes = bytes_of(log);
  bytes[blocks_of(bytes)[1] + 4] = '\x7F';
  expect_refused(bytes, "its length is impossible");
}

TEST_F(BackupFile, OtherFilesAndOtherFormatsAreRefused) {
  expect_refused("SQLite format 3", "is no backup of Rollcall");
  expect_refused("", "is cut short");
  expect_refused("rollcall-backup 2\nwhatever", "has format 2, and this program knows format 1 alone");
  expect_refused("rollcall-backup one\n", "is damaged");
  expect_refused("rollcall-backup 11111111111111111111111111\n", "is damaged");
}

TEST_F(BackupFile, WhatIsNoFileIsNotRead) {
  EXPECT_EQ(ArchiveReader::open(path_).error().code, ErrorCode::not_found);
  EXPECT_EQ(ArchiveReader::open("/dev/null").error().code, ErrorCode::invalid);
}

TEST_F(BackupFile, ItsEventsMakeALog) {
  class Swapped final : public LogSource {
   public:
    Result<void> read(LogSink& sink) override {
      ToldLog log(3);
      class Reverse final : public LogSink {
       public:
        explicit Reverse(LogSink& next) : next_(next) {}
        Result<void> head(const LogHead& head) override { return next_.head(head); }
        Result<void> event(const KeptEvent& kept) override {
          kept_.insert(kept_.begin(), kept);
          return {};
        }
        Result<void> mark(const LeaseMark&) override { return {}; }
        Result<void> outbox(std::string_view, Revision) override {
          for (const auto& kept : kept_) {
            if (auto done = next_.event(kept); !done) return done;
          }
          return {};
        }

       private:
        LogSink& next_;
        std::vector<KeptEvent> kept_;
      } reverse(sink);
      return log.read(reverse);
    }
  } swapped;
  expect_refused(bytes_of(swapped), "event 2 can't stand where it stands");
}

// ---- the file's name ----

TEST_F(BackupFile, AFileIsThereWholeOrNotAtAll) {
  std::ofstream(path_) << "yesterday's";
  {
    auto file = KeptFile::open(path_);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("half"));
    EXPECT_EQ(content_of(path_), "yesterday's");
  }
  EXPECT_EQ(content_of(path_), "yesterday's");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));

  auto file = KeptFile::open(path_);
  ASSERT_TRUE(file->write("today's"));
  ASSERT_TRUE(file->keep());
  EXPECT_EQ(content_of(path_), "today's");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
  struct stat status{};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(BackupFile, WhatAKilledProcessLeftIsTakenOver) {
  std::ofstream(path_ + ".partial") << "half of a longer backup";
  auto file = KeptFile::open(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("whole"));
  ASSERT_TRUE(file->keep());
  EXPECT_EQ(content_of(path_), "whole");
}

TEST_F(BackupFile, TwoAtOnceAreOneTooMany) {
  const auto first = KeptFile::open(path_);
  ASSERT_TRUE(first);
  EXPECT_EQ(KeptFile::open(path_).error().code, ErrorCode::conflict);
}

TEST_F(BackupFile, ALinkStaysALinkAndADeviceADevice) {
  const auto target = directory_.file("target");
  std::ofstream(target) << "old";
  std::filesystem::create_symlink(target, path_);
  auto file = KeptFile::open(path_);
  ASSERT_TRUE(file->write("new"));
  ASSERT_TRUE(file->keep());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(content_of(target), "new");
  EXPECT_EQ(KeptFile::open("/dev/null").error().code, ErrorCode::invalid);
  EXPECT_EQ(KeptFile::open(directory_.file("none/backup")).error().code, ErrorCode::unavailable);
}

/// A file system of its own that is soon full.
class BackupOnSmallDisk : public BackupFile {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(disk_);
    if (mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=256k") != 0) GTEST_SKIP() << "may not mount a file system";
  }
  void TearDown() override { umount(disk_.c_str()); }

  const std::string disk_ = directory_.file("small");
};

TEST_F(BackupOnSmallDisk, ABackupThatDoesntFitLeavesNothing) {
  {
    auto file = KeptFile::open(disk_ + "/backup");
    ASSERT_TRUE(file);
    const auto written = file->write(std::string(1 << 20, 'x'));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::unavailable);
    EXPECT_THAT(written.error().message, HasSubstr("No space left"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(disk_));
}

TEST_F(BackupOnSmallDisk, ALogThatDoesntFitLeavesNothing) {
  SqliteOptions options;
  options.path = disk_ + "/log.db";
  options.tuning.page_cache_bytes = 64 * 1024;
  {
    const auto log = make_sqlite_log(options);
    ASSERT_TRUE(log) << log.error().message;
    auto done = ToldLog(2'000).read(**log);
    if (done) done = (*log)->commit();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unavailable);
    EXPECT_THAT(done.error().message, HasSubstr("disk is full"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(disk_));
}

}  // namespace
}  // namespace rollcall::testing
