// A log that was copied, from whichever engine to whichever, can't be told from the first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "conformance/log_story.hpp"
#include "store/archive/archive_reader.hpp"
#include "store/archive/archive_writer.hpp"
#include "store/archive/kept_file.hpp"
#include "store/archive/log_meter.hpp"

namespace rollcall::testing {
namespace {

using ::testing::HasSubstr;

template <class One, class Other>
struct Pair {
  using From = One;
  using To = Other;
};

template <class Engines>
class WholeLogTest : public ::testing::Test {
 protected:
  using From = Engines::From;
  using To = Engines::To;

  void SetUp() override {
    if (From::is_missing() || To::is_missing()) GTEST_SKIP() << "it isn't installed";
  }

  static LogSummary must_copy(LogSource& from, LogSink* to) {
    LogMeter meter(to);
    const auto done = from.read(meter);
    EXPECT_TRUE(done) << done.error().message;
    return meter.finish();
  }

  static LogSummary write_file(LogSource& from, const std::string& path) {
    auto file = KeptFile::open(path);
    EXPECT_TRUE(file) << file.error().message;
    ArchiveWriter writer([&](std::string_view bytes) { return file->write(bytes); }, "rollcall test", kNoon);
    auto summary = must_copy(from, &writer);
    EXPECT_TRUE(writer.finish());
    EXPECT_TRUE(file->keep());
    return summary;
  }

  /// By a file; the summaries of log, file and log are of one digest.
  static void copy(const From& from, const To& to) {
    const TempDir directory;
    const auto path = directory.file("backup");
    const auto summary = write_file(*from.source(), path);
    const auto reader = ArchiveReader::open(path);
    ASSERT_TRUE(reader) << reader.error().message;
    auto log = to.make();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(must_copy(**reader, log->get()).digest, summary.digest);
    ASSERT_TRUE((*log)->commit());
    log->reset();
    const auto copied = must_copy(*to.source(), nullptr);
    EXPECT_EQ(copied.digest, summary.digest);
    EXPECT_EQ(copied.head.generation, summary.head.generation);
  }

  static void fill(Store& store, int events) {
    LogStory story(store);
    for (int i = 0; i < events; ++i) story.act({Happening::Kind::change, i});
  }
};

struct PairNames {
  template <class Engines>
  static std::string GetName(int) {
    const auto name = [](bool postgres) { return postgres ? "Postgres" : "Sqlite"; };
    return std::string(name(std::is_same_v<typename Engines::From, PostgresEngine>)) + "To" +
           name(std::is_same_v<typename Engines::To, PostgresEngine>);
  }
};
using Pairs = ::testing::Types<Pair<SqliteEngine, SqliteEngine>, Pair<SqliteEngine, PostgresEngine>,
                               Pair<PostgresEngine, SqliteEngine>, Pair<PostgresEngine, PostgresEngine>>;
TYPED_TEST_SUITE(WholeLogTest, Pairs, PairNames);

TYPED_TEST(WholeLogTest, ACopyCantBeToldFromTheLog) {
  setenv("RC_PARAMS", "max_success=20 seed=20261121", 0);  // NOLINT(concurrency-mt-unsafe): there is one thread
  EXPECT_TRUE(rc::check("a copy can't be told from the log", [] {
    const auto happened = *rc::gen::container<std::vector<Happening>>(happenings());
    typename TypeParam::From from;
    typename TypeParam::To to;
    const auto original = from.open(kShortMemory);
    LogStory story(*original);
    for (const auto& happening : happened) story.act(happening);
    TestFixture::copy(from, to);
    const auto copy = to.open(kShortMemory);
    expect_same_logs(*original, *copy);
    expect_same_future(*original, *copy);
    RC_ASSERT(!::testing::Test::HasFailure());
  }));
}

TYPED_TEST(WholeLogTest, ALongLogIsCopiedInPieces) {
  typename TypeParam::From from;
  typename TypeParam::To to;
  const auto original = from.open();
  constexpr int kEvents = 2'600, kAtOnce = 650;
  for (int at = 0; at < kEvents; at += kAtOnce) {
    std::vector<Change> changes;
    for (int i = 0; i < kAtOnce; ++i) changes.push_back(registering(full_instance("i" + std::to_string(at + i))));
    ASSERT_TRUE(original->commit(batch(Revision{static_cast<std::uint64_t>(at)}, changes)));
  }
  std::vector<LeaseMark> marks;
  for (std::uint64_t number = 1; number <= kEvents; ++number) marks.push_back({InstanceNumber{number}, 5s});
  for (std::uint64_t number = 900'000; number < 1'000'000; number += 400) marks.push_back({InstanceNumber{number}, 6s});
  ASSERT_TRUE(original->save_leases({.now = 9s, .marks = marks}));
  TestFixture::copy(from, to);
  const auto copy = to.open();
  expect_same_state(*original, *copy);
  expect_same_beside(*original, *copy);
}

TYPED_TEST(WholeLogTest, WhatIsWrittenMeanwhileIsNotInTheCopy) {
  typename TypeParam::From from;
  const auto original = from.open();
  TestFixture::fill(*original, 6);
  /// A daemon goes on with each event that is read.
  class Meddler final : public LogSink {
   public:
    explicit Meddler(Store& store) : store_(store) {}
    Result<void> head(const LogHead&) override { return {}; }
    Result<void> event(const KeptEvent& kept) override {
      const auto seen = store_.snapshot()->revision;
      const auto name = "meanwhile-" + std::to_string(kept.event->revision.value);
      EXPECT_TRUE(store_.commit(batch(seen, {registering(full_instance(name))})));
      EXPECT_TRUE(store_.save_outbox_position(name, seen));
      return {};
    }
    Result<void> mark(const LeaseMark&) override { return {}; }
    Result<void> outbox(std::string_view, Revision) override {
      ADD_FAILURE() << "it was not there yet";
      return {};
    }

   private:
    Store& store_;
  } meddler(*original);
  const auto summary = TestFixture::must_copy(*from.source(), &meddler);
  EXPECT_EQ(summary.events, 6U);
  EXPECT_EQ(summary.head.revision, Revision{6});
  EXPECT_EQ(original->snapshot()->revision, Revision{12});
}

TYPED_TEST(WholeLogTest, ALogIsNotMadeOverAnother) {
  typename TypeParam::To to;
  const auto there = to.open();
  EXPECT_TRUE(to.make()) << "a log without events is in nobody's way";
  TestFixture::fill(*there, 1);
  const auto refused = to.make();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("has a log already, up to revision 1"));
}

TYPED_TEST(WholeLogTest, WhatIsNotCommittedLeavesNothing) {
  typename TypeParam::From from;
  typename TypeParam::To to;
  TestFixture::fill(*from.open(), 6);
  {
    const auto log = to.make();
    ASSERT_TRUE(log);
    TestFixture::must_copy(*from.source(), log->get());
  }
  EXPECT_EQ(to.open()->snapshot()->revision, Revision{});
  TestFixture::copy(from, to);
  expect_same_logs(*from.open(), *to.open());
}

/// Ends the process at the n-th thing that it is given.
class Killer final : public LogSink {
 public:
  Killer(LogSink& next, int after) : next_(next), left_(after) {}
  Result<void> head(const LogHead& head) override { return count().next_.head(head); }
  Result<void> event(const KeptEvent& kept) override { return count().next_.event(kept); }
  Result<void> mark(const LeaseMark& mark) override { return count().next_.mark(mark); }
  Result<void> outbox(std::string_view name, Revision at) override { return count().next_.outbox(name, at); }

 private:
  Killer& count() {
    if (left_-- == 0) kill(getpid(), SIGKILL);
    return *this;
  }
  LogSink& next_;
  int left_;
};

/// Runs `work` in a process of its own that doesn't live to its end.
template <class Work>
void expect_killed(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TYPED_TEST(WholeLogTest, AKilledCopyLeavesNothingAndIsNotInTheWay) {
  typename TypeParam::From from;
  typename TypeParam::To to;
  {
    const auto original = from.open();
    TestFixture::fill(*original, 600);
    ASSERT_TRUE(original->save_outbox_position("rabbit-i1", Revision{3}));
  }
  for (const int after : {0, 1, 550, 601}) {
    expect_killed([&] {
      const auto log = to.make();
      Killer killer(**log, after);
      static_cast<void>(from.source()->read(killer));
    });
  }
  // The server may notice a moment later that the last one's session has ended; the next one waits for it.
  TestFixture::copy(from, to);
  expect_same_logs(*from.open(), *to.open());
}

TYPED_TEST(WholeLogTest, AnEmptyLogIsALogAsWell) {
  typename TypeParam::From from;
  typename TypeParam::To to;
  static_cast<void>(from.open());
  TestFixture::copy(from, to);
  expect_same_logs(*from.open(), *to.open());
}

TYPED_TEST(WholeLogTest, WhereThereIsNoLogThereIsNothingToRead) {
  typename TypeParam::From from;
  LogMeter nobody(nullptr);
  const auto done = from.source()->read(nobody);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::not_found) << done.error().message;
}

TEST(WholeLogInPostgres, WhileADaemonUsesItNoneIsMadeOrMovedAway) {
  if (PostgresEngine::is_missing()) GTEST_SKIP() << "it isn't installed";
  PostgresEngine engine;
  static_cast<void>(engine.open());
  const auto node = engine.member(NodeId{7});
  ASSERT_TRUE(node->join({.name = "one", .address = "http://one", .version = "1"}, {}));
  const auto made = engine.make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::conflict);
  EXPECT_THAT(made.error().message, HasSubstr("the daemon one uses the schema"));
  LogMeter meter(nullptr);
  EXPECT_EQ(engine.lone_source()->read(meter).error().code, ErrorCode::conflict);
  EXPECT_TRUE(engine.source()->read(meter)) << "a backup is in nobody's way";
  ASSERT_TRUE(node->meet({.round = Round{1}}));
  ASSERT_TRUE(node->leave({.round = Round{2}}));
  EXPECT_TRUE(engine.make());
}

TEST(WholeLogInPostgres, NobodyJoinsWhileItIsMadeOrMovedAway) {
  if (PostgresEngine::is_missing()) GTEST_SKIP() << "it isn't installed";
  PostgresEngine engine;
  static_cast<void>(engine.open());
  const NodeCard card{.name = "one", .address = "http://one", .version = "1"};
  {
    const auto log = engine.make();
    ASSERT_TRUE(log);
    EXPECT_FALSE(engine.impatient_member(NodeId{7})->join(card, {}));
  }
  {
    const auto source = engine.lone_source();
    LogMeter meter(nullptr);
    ASSERT_TRUE(source->read(meter));
    EXPECT_FALSE(engine.impatient_member(NodeId{7})->join(card, {}));
  }
  EXPECT_TRUE(engine.member(NodeId{7})->join(card, {}));
}

}  // namespace
}  // namespace rollcall::testing
