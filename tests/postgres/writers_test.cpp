// Several handles write to one log at once.
#include <atomic>
#include <memory>
#include <vector>

#include "postgres/postgres_fixture.hpp"

namespace rollcall::testing {
namespace {

constexpr std::uint64_t kCommits = 100;
constexpr std::uint64_t kWriters = 3;

class PostgresWriters : public PostgresTest {
 protected:
  /// What one node does: registers, and goes on from what the answer tells.
  void write(int writer) {
    const auto store = open(options());
    ASSERT_TRUE(store);
    Revision seen;
    for (std::uint64_t i = 0; i < kCommits; ++i) {
      std::vector<Change> changes;
      for (std::uint64_t j = 0; j <= i % 3; ++j) {
        changes.push_back(registering(full_instance(std::to_string(writer) + "-" + std::to_string(3 * i + j))));
      }
      const auto done = store->commit(batch(seen, changes));
      ASSERT_TRUE(done) << done.error().message;
      for (const auto& event : done->events) {
        ASSERT_EQ(event->revision.value, seen.value + 1);
        seen = event->revision;
      }
      written_ += changes.size();
    }
  }

  std::atomic<std::uint64_t> written_{0};
};

TEST_F(PostgresWriters, MakeOneOrderInWhichAReaderNeverFindsAGap) {
  const auto reader = open(options());
  std::atomic<std::uint64_t> running{kWriters};
  std::vector<std::jthread> writers;
  for (int i = 0; i < static_cast<int>(kWriters); ++i) {
    writers.emplace_back([this, i, &running] {
      write(i);
      --running;
    });
  }
  std::vector<EventPtr> read;
  std::size_t looks = 0;
  for (bool last = false; !last; ++looks) {
    last = running == 0;
    const Revision seen = read.empty() ? Revision{} : read.back()->revision;
    const auto more = reader->read(seen, 1'000);
    ASSERT_TRUE(more) << more.error().message;
    for (const auto& event : *more) {
      ASSERT_EQ(event->revision.value, read.size() + 1) << "a later one was seen before an earlier one";
      read.push_back(event);
    }
  }
  writers.clear();
  EXPECT_EQ(read.size(), written_);
  EXPECT_GT(looks, 10U);
  const auto all = open(options())->read(Revision{}, 100'000);
  ASSERT_EQ(all->size(), read.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_TRUE(same(*(*all)[i], *read[i]));
}

TEST_F(PostgresWriters, SaveLeasesWhileLivesBeginAnew) {
  const auto store = open(options());
  auto a = store->commit(batch({}, {registering(full_instance("a")), registering(full_instance("b"))}))->events;
  std::atomic<bool> stop{false};
  std::jthread saver([this, &stop] {
    const auto other = open(options());
    std::vector<LeaseMark> marks;
    for (std::uint64_t i = 1; i < 1'000; ++i) marks.push_back({InstanceNumber{i}, 5s});
    while (!stop) ASSERT_TRUE(other->save_leases({5s, marks, Term{}}));
  });
  InstancePtr instance = a[0]->instance;
  for (int i = 0; i < 50; ++i) {
    const auto done = store->commit(batch(instance->modified, {following(EventKind::registered, *instance)}));
    EXPECT_TRUE(done) << done.error().message;
    if (done) instance = done->events.back()->instance;
  }
  stop = true;
}

TEST_F(PostgresWriters, SchemasAreMadeByOneOfSeveralThatComeAtOnce) {
  std::vector<std::jthread> programs;
  std::array<Generation, 6> generations;
  for (auto& generation : generations) {
    programs.emplace_back([this, &generation] {
      const auto store = open(options());
      ASSERT_TRUE(store);
      generation = store->snapshot()->generation;
    });
  }
  programs.clear();
  for (const auto& generation : generations) {
    EXPECT_TRUE(generation);
    EXPECT_EQ(generation, generations[0]);
  }
}

}  // namespace
}  // namespace rollcall::testing
