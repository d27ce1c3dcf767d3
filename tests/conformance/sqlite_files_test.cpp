// What the SQLite engine opens, what it refuses, and that it leaves alone what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include "conformance/engines.hpp"
#include "conformance/values.hpp"
#include "store/archive/log_meter.hpp"

namespace rollcall::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

class SqliteFiles : public ::testing::Test {
 protected:
  SqliteOptions options() const {
    SqliteOptions options;
    options.path = path_;
    return options;
  }

  /// A log with a few hundred events, closed in peace.
  void make_log(int events = 300) {
    const auto store = open_sqlite_store(options());
    ASSERT_TRUE(store) << store.error().message;
    std::vector<Change> changes;
    for (int i = 0; i < events; ++i) changes.push_back(registering(full_instance("i" + std::to_string(i))));
    ASSERT_TRUE((*store)->commit(batch({}, changes)));
  }

  /// Copies the files of a database that is in use, as a crash would leave them.
  void copy_as_after_crash(const std::string& from) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      if (std::filesystem::exists(from + suffix)) write_file(path_ + suffix, content_of(from + suffix));
    }
  }

  static void execute(const std::string& path, const std::string& sql) {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &raw), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_close(raw);
  }

  void patch(std::size_t offset, const std::string& bytes) {
    auto content = content_of(path_);
    content.replace(offset, bytes.size(), bytes);
    write_file(path_, content);
  }

  [[nodiscard]] std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> files;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      if (std::filesystem::exists(path_ + suffix)) files[suffix] = content_of(path_ + suffix);
    }
    return files;
  }

  void expect_refused(const std::string& because) {
    const auto before = everything();
    const auto store = open_sqlite_store(options());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::incompatible) << store.error().message;
    EXPECT_THAT(store.error().message, HasSubstr(because));
    EXPECT_THAT(store.error().message, HasSubstr(path_));
    EXPECT_TRUE(everything() == before) << "files were touched";
  }

  TempDir directory_;
  std::string path_ = directory_.file("log.db");
};

TEST_F(SqliteFiles, ANewLogIsItsOwnersAlone) {
  make_log(1);
  struct stat status{};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto again = open_sqlite_store(options());
  ASSERT_TRUE(again);
  EXPECT_THAT((*again)->snapshot()->instances, SizeIs(1));
  ASSERT_EQ(stat((path_ + "-wal").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(SqliteFiles, WhatRootMakesBelongsToWhomTheDirectoryBelongsTo) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make what isn't its own";
  constexpr uid_t kSomebody = 54'321;
  ASSERT_EQ(chown(std::filesystem::path(path_).parent_path().c_str(), kSomebody, kSomebody), 0);
  const auto store = open_sqlite_store(options());
  ASSERT_TRUE((*store)->commit(batch({}, {registering(full_instance("a"))})));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status{};
    ASSERT_EQ(stat((path_ + suffix).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, kSomebody) << suffix;
  }
}

TEST_F(SqliteFiles, GenerationsDifferAndStay) {
  make_log(1);
  const auto first = (*open_sqlite_store(options()))->snapshot()->generation;
  EXPECT_EQ((*open_sqlite_store(options()))->snapshot()->generation, first);
  path_ = directory_.file("other.db");
  EXPECT_NE((*open_sqlite_store(options()))->snapshot()->generation, first);
}

TEST_F(SqliteFiles, AnEmptyFileBecomesALog) {
  write_file(path_, "");
  EXPECT_TRUE(open_sqlite_store(options()));
}

TEST_F(SqliteFiles, WithoutItsDirectoryNothingIsMade) {
  path_ = directory_.file("none/log.db");
  const auto store = open_sqlite_store(options());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::unavailable);
}

TEST_F(SqliteFiles, WhatACrashLeftIsThere) {
  path_ = directory_.file("living.db");
  const auto living = open_sqlite_store(options());
  ASSERT_TRUE((*living)->commit(batch({}, {registering(full_instance("a"))})));
  const std::string from = std::exchange(path_, directory_.file("log.db"));
  copy_as_after_crash(from);
  const auto store = open_sqlite_store(options());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_THAT((*store)->snapshot()->instances, SizeIs(1));
}

TEST_F(SqliteFiles, GarbageIsRefused) {
  write_file(path_, "name,address\nbilling,10.0.0.5\n");
  expect_refused("it isn't an SQLite database");
}

TEST_F(SqliteFiles, AForeignDatabaseIsRefused) {
  execute(path_, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  expect_refused("the SQLite database of another program");
}

TEST_F(SqliteFiles, AForeignDatabaseInUseIsRefused) {
  const auto foreign = directory_.file("foreign.db");
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(foreign.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)", nullptr, nullptr,
                         nullptr),
            SQLITE_OK);
  copy_as_after_crash(foreign);
  sqlite3_close(raw);
  ASSERT_THAT(everything(), SizeIs(3));
  expect_refused("the SQLite database of another program");
}

TEST_F(SqliteFiles, ANewerLogIsRefused) {
  make_log();
  execute(path_, "PRAGMA user_version=999");
  expect_refused("written by a newer Rollcall (schema version 999");
}

TEST_F(SqliteFiles, ALogMadeNewerInItsWriteAheadLogAloneIsRefused) {
  path_ = directory_.file("living.db");
  make_log(1);
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version=999", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::string from = std::exchange(path_, directory_.file("log.db"));
  copy_as_after_crash(from);
  sqlite3_close(raw);
  expect_refused("written by a newer Rollcall (schema version 999");
}

TEST_F(SqliteFiles, AWriteAheadLogWithoutItsDatabaseIsRefused) {
  write_file(path_ + "-wal", "something");
  expect_refused("whose database is gone");
}

TEST_F(SqliteFiles, ATruncatedLogIsRefused) {
  make_log();
  const auto whole = content_of(path_);
  for (const std::size_t size :
       {std::size_t{20}, std::size_t{60}, std::size_t{100}, std::size_t{4'096}, whole.size() / 2, whole.size() - 1}) {
    write_file(path_, whole.substr(0, size));
    SCOPED_TRACE(size);
    expect_refused(size < 100 ? "" : "is damaged");
  }
}

TEST_F(SqliteFiles, ADamagedHeaderIsRefused) {
  make_log();
  patch(16, std::string("\x12\x34", 2));
  expect_refused("is damaged");
}

TEST_F(SqliteFiles, EveryDamagedPageIsToldOf) {
  make_log();
  const auto whole = content_of(path_);
  for (std::size_t page = 1; page < whole.size() / 4'096; ++page) {
    // Its type, its cells and where they begin.
    write_file(path_, whole);
    patch(page * 4'096, std::string(16, '\x5A'));
    expect_refused("is damaged");
  }
}

TEST_F(SqliteFiles, ADamagedLogAfterACrashIsLeftAlone) {
  path_ = directory_.file("living.db");
  make_log();
  const auto living = open_sqlite_store(options());
  ASSERT_TRUE((*living)->commit(batch(Revision{300}, {registering(full_instance("a"))})));
  const std::string from = std::exchange(path_, directory_.file("log.db"));
  copy_as_after_crash(from);
  std::filesystem::remove(path_ + "-shm");
  patch(10 * 4'096, std::string(16, '\x5A'));  // a page that the write-ahead log doesn't hold
  expect_refused("is damaged");
}

TEST_F(SqliteFiles, ADamagedEventIsToldOfWhenItIsRead) {
  make_log();
  const auto whole = content_of(path_);
  for (auto at = whole.find("2001:db8::7"); at != std::string::npos; at = whole.find("2001:db8::7", at + 1)) {
    patch(at, "2001:db8::8");
  }
  const auto store = open_sqlite_store(options());
  ASSERT_TRUE(store) << "pages alone don't tell";
  const auto snapshot = (*store)->snapshot();
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, ErrorCode::incompatible);
  EXPECT_THAT(snapshot.error().message, HasSubstr("checksum"));
}

TEST_F(SqliteFiles, ALogWithoutTablesYetIsMigrated) {
  execute(path_, "PRAGMA application_id=0x52434C4C");
  const auto store = open_sqlite_store(options());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE((*store)->commit(batch({}, {registering(full_instance("a"))})));
}

TEST_F(SqliteFiles, ALogWhoseTablesAreGoneIsRefused) {
  make_log();
  execute(path_, "DROP TABLE instances");
  expect_refused("is damaged");
}

TEST_F(SqliteFiles, AWholeLogIsReadAndLeftAsItWas) {
  make_log();
  const auto before = everything();
  ASSERT_THAT(before, SizeIs(1));
  LogMeter at_rest(nullptr);
  ASSERT_TRUE(sqlite_log_source(options())->read(at_rest));
  EXPECT_EQ(at_rest.finish().events, 300U);
  EXPECT_TRUE(everything() == before);
}

TEST_F(SqliteFiles, AWholeLogIsReadFromWhatACrashLeft) {
  path_ = directory_.file("living.db");
  const auto living = open_sqlite_store(options());
  ASSERT_TRUE((*living)->commit(batch({}, {registering(full_instance("a"))})));
  const std::string from = std::exchange(path_, directory_.file("log.db"));
  copy_as_after_crash(from);
  auto before = everything();
  LogMeter left(nullptr);
  const auto done = sqlite_log_source(options())->read(left);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(left.finish().events, 1U);
  auto after = everything();
  before.erase("-shm");
  after.erase("-shm");
  EXPECT_TRUE(after == before);
}

TEST_F(SqliteFiles, ADamagedEventStopsTheReadingOfAWholeLog) {
  make_log();
  const auto whole = content_of(path_);
  for (auto at = whole.find("2001:db8::7"); at != std::string::npos; at = whole.find("2001:db8::7", at + 1)) {
    patch(at, "2001:db8::8");
  }
  LogMeter meter(nullptr);
  const auto done = sqlite_log_source(options())->read(meter);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::incompatible);
  EXPECT_THAT(done.error().message, HasSubstr("checksum"));
}

/// A file system of its own that is soon full.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount(path_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_F(SqliteFiles, AFullDiskStopsWritesUntilThereIsRoom) {
  const SmallDisk disk(directory_.file("small"));
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a file system; tests/crash fills a disk in memory";
  path_ = directory_.file("small/log.db");
  const auto store = open_sqlite_store(options());
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->commit(batch({}, {registering(full_instance("a"))})));
  const auto ballast = directory_.file("small/ballast");
  std::ofstream(ballast) << std::string(2 << 20, 'x');

  Revision seen{1};
  std::optional<Error> error;
  for (int i = 0; i < 1'000 && !error; ++i) {
    const auto done = (*store)->commit(batch(seen, {registering(full_instance("i" + std::to_string(i)))}));
    if (done) seen = done->events.back()->revision;
    if (!done) error = done.error();
  }
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::unavailable);
  EXPECT_THAT(error->message, HasSubstr("disk is full"));
  EXPECT_FALSE((*store)->health().writable);
  EXPECT_EQ((*store)->snapshot()->revision, seen) << "reads go on";
  EXPECT_FALSE((*store)->commit(batch(seen, {registering(full_instance("b"))})));

  std::filesystem::remove(ballast);
  const auto after = (*store)->commit(batch(seen, {registering(full_instance("b"))}));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->events.back()->revision.value, seen.value + 1);
  EXPECT_TRUE((*store)->health().writable);
}

}  // namespace
}  // namespace rollcall::testing
