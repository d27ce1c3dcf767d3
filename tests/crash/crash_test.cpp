// The power goes, a step fails or the disk fills up at each step of a log's life in turn.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "conformance/values.hpp"
#include "crash/crash_vfs.hpp"
#include "crash/story.hpp"

namespace rollcall::testing {
namespace {

using namespace std::chrono_literals;

/// So small that a short life has checkpoints, pruning and tombstones past their life.
SqliteOptions options_on(const CrashDisk& disk) {
  SqliteOptions options;
  options.path = "log.db";
  options.vfs = disk.vfs();
  options.generation = Generation{5};
  options.limits.history_age = 4min;
  options.limits.prune_events = 8;
  options.tombstone_life = 3min;
  options.tuning.checkpoint_pages = 8;
  options.tuning.page_cache_bytes = 1 << 20;
  return options;
}

std::uint64_t steps_of_a_life() {
  CrashDisk disk;
  Story story(options_on(disk));
  story.live_until_failure();
  story.close();
  return disk.steps();
}

std::optional<std::string> violation_after_crash(std::uint64_t step, Survival survival, bool sync = true) {
  CrashDisk disk;
  auto options = options_on(disk);
  options.tuning.sync = sync;
  Story story(options);
  disk.plan(Fault::crash, step);
  story.live_until_failure();
  story.close();
  disk.power_cut(survival, step);
  auto wrong = story.violation();
  story.close();
  return wrong;
}

std::optional<std::string> violation_through(Fault fault, std::uint64_t step, std::uint64_t length,
                                             std::size_t& failures) {
  CrashDisk disk;
  Story story(options_on(disk));
  disk.plan(fault, step, length);
  if (auto wrong = story.live_through_failures()) return wrong;
  failures += story.failures();
  story.close();
  disk.power_cut(Survival::synced_only);
  auto wrong = story.violation();
  story.close();
  return wrong;
}

class CrashTest : public ::testing::TestWithParam<Survival> {};

TEST_P(CrashTest, NothingAcknowledgedIsLostAtAnyStep) {
  const std::uint64_t steps = steps_of_a_life();
  ASSERT_GT(steps, 200U);
  for (std::uint64_t step = 1; step <= steps; ++step) {
    const auto wrong = violation_after_crash(step, GetParam());
    ASSERT_FALSE(wrong) << "crash at step " << step << " of " << steps << ": " << *wrong;
  }
}

std::string name_of_survival(const ::testing::TestParamInfo<Survival>& info) {
  constexpr const char* kNames[] = {"SyncedOnly", "Everything", "Torn"};
  return kNames[static_cast<int>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Survivals, CrashTest,
                         ::testing::Values(Survival::synced_only, Survival::everything, Survival::torn),
                         name_of_survival);

TEST(CrashDiskTest, CatchesALogThatDoesNotSync) {
  const std::uint64_t steps = steps_of_a_life();
  std::size_t caught = 0;
  for (std::uint64_t step = 20; step <= steps; step += 10) {
    if (violation_after_crash(step, Survival::synced_only, false)) ++caught;
  }
  EXPECT_GT(caught, 10U);
}

TEST(CrashDiskTest, AFullDiskStopsWritesUntilThereIsRoom) {
  CrashDisk disk;
  const auto store = open_sqlite_store(options_on(disk));
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->commit(batch({}, {registering(full_instance("a"))})));
  disk.set_full(true);

  Revision seen{1};
  std::optional<Error> error;
  for (int i = 0; i < 100 && !error; ++i) {
    const auto done = (*store)->commit(batch(seen, {registering(full_instance("i" + std::to_string(i)))}));
    if (done) seen = done->events.back()->revision;
    if (!done) error = done.error();
  }
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::unavailable);
  EXPECT_FALSE((*store)->health().writable);
  EXPECT_EQ((*store)->health().detail, error->message);
  EXPECT_EQ((*store)->snapshot()->revision, seen) << "reads go on";

  disk.set_full(false);
  EXPECT_TRUE((*store)->commit(batch(seen, {registering(full_instance("b"))})));
  EXPECT_TRUE((*store)->health().writable);
}

// What the log says after a failure is acknowledged thereby, and is there when the power goes at that moment.
TEST(CrashDiskTest, WhatIsReadAfterAFailedSyncOutlivesThePower) {
  constexpr std::uint64_t kSoon = 16;
  std::size_t doubts = 0;
  for (std::uint64_t step = 1; step <= kSoon; ++step) {
    for (std::uint64_t length = 1; length <= 3; ++length) {
      CrashDisk disk;
      auto store = open_sqlite_store(options_on(disk));
      ASSERT_TRUE(store);
      ASSERT_TRUE((*store)->commit(batch({}, {registering(full_instance("a"))})));
      disk.plan(Fault::lying_sync, disk.steps() + step, length);
      Revision seen{1};
      for (int i = 0; i < 4; ++i) {
        const auto done = (*store)->commit(batch(seen, {registering(full_instance("i" + std::to_string(i)))}));
        if (!done) ++doubts;
        auto events = (*store)->read(seen, 10);
        for (int tries = 0; !events && tries < 3; ++tries) events = (*store)->read(seen, 10);
        ASSERT_TRUE(events);
        if (!events->empty()) seen = events->back()->revision;
        if (!done) break;
      }
      disk.plan(Fault::crash, disk.steps() + 1, UINT32_MAX);
      store->reset();
      disk.power_cut(Survival::synced_only);
      store = open_sqlite_store(options_on(disk));
      ASSERT_TRUE(store);
      EXPECT_EQ((*store)->snapshot()->revision, seen) << length << " steps from step " << step << " on failed";
    }
  }
  EXPECT_GT(doubts, kSoon);
}

class FaultTest : public ::testing::TestWithParam<std::tuple<Fault, std::uint64_t>> {};

TEST_P(FaultTest, FailuresAreToldAndPass) {
  const auto [fault, length] = GetParam();
  const std::uint64_t steps = steps_of_a_life();
  std::size_t failures = 0;
  for (std::uint64_t step = 1; step <= steps; ++step) {
    const auto wrong = violation_through(fault, step, length, failures);
    ASSERT_FALSE(wrong) << "fault at step " << step << " of " << steps << ": " << *wrong;
  }
  // The others struck a checkpoint, which is tried again by itself.
  EXPECT_GT(failures, steps / 4);
}

std::string name_of_fault(const ::testing::TestParamInfo<FaultTest::ParamType>& info) {
  constexpr const char* kNames[] = {"Crash", "IoError", "LyingSync", "DiskFull"};
  return fmt::format("{}x{}", kNames[static_cast<int>(std::get<0>(info.param))], std::get<1>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Faults, FaultTest,
                         ::testing::Values(std::tuple(Fault::io_error, 1), std::tuple(Fault::io_error, 3),
                                           std::tuple(Fault::lying_sync, 1), std::tuple(Fault::lying_sync, 3),
                                           std::tuple(Fault::disk_full, 1), std::tuple(Fault::disk_full, 4)),
                         name_of_fault);

}  // namespace
}  // namespace rollcall::testing
