// How long after a commit through one handle another handle on the same log is told, and has read it.
//   postgres_growth CONNECTION [COMMITS [PAUSE_MS]]
// CONNECTION is what the setting `store` takes. Each commit is one registration, PAUSE_MS after the one before was
// read. It makes the schema rollcall_bench and leaves it there.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/postgres/postgres_store.hpp"

namespace rollcall {
namespace {

using BenchClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
constexpr std::size_t kCommits = 1'000, kWarmUp = 50, kPauseMs = 5;
constexpr milliseconds kPatience{10'000};

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  return std::move(*result);
}

/// When each revision was told of.
class Told {
 public:
  Store::Grown note() {
    return [this](Revision newest) {
      const auto now = BenchClock::now();
      const std::scoped_lock lock(mutex_);
      if (newest <= newest_) return;
      newest_ = newest;
      at_ = now;
      changed_.notify_one();
    };
  }
  BenchClock::time_point when(Revision revision) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return newest_ >= revision; })) give_up("nothing was told");
    return at_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Revision newest_;            // guarded by mutex_
  BenchClock::time_point at_;  // guarded by mutex_
};

Instance instance_of(std::uint64_t run, std::size_t number) {
  Instance instance;
  instance.id = InstanceId(fmt::format("{:016x}-{}", run, number));
  instance.spec.service = ServiceName("service");
  instance.spec.address = "10.0.0.1";
  instance.spec.port = 80;
  instance.registered_at = instance.status_since = WallTime(milliseconds(1'768'474'800'000));
  return instance;
}

/// Two handles on one log, and of each commit through the one what it took, in microseconds.
class Bench {
 public:
  explicit Bench(const PostgresOptions& options)
      : writer_(must(open_postgres_store(options))), reader_(must(open_postgres_store(options))) {
    reader_->on_growth(told_.note());
    seen_ = must(writer_->snapshot()).revision;
  }

  void commit_one() {
    const Change change{
        EventKind::registered, instance_of(run_, commits_.size()), {"api", "registered by a client"}, {}};
    const auto begin = BenchClock::now();
    const auto newest = must(writer_->commit({seen_, {change}})).events.back()->revision;
    const auto committed = BenchClock::now();
    const auto heard = told_.when(newest);
    if (must(reader_->read(seen_, 10)).size() != 1) give_up("one event was expected");
    seen_ = newest;
    commits_.push_back(us_between(begin, committed));
    tells_.push_back(us_between(committed, heard));
    reads_.push_back(us_between(committed, BenchClock::now()));
  }

  /// Without the first ones, in which the sessions find their plans.
  void show() {
    show("the commit", commits_);
    show("from its return until the other was told", tells_);
    show("from its return until the other had read it", reads_);
  }

 private:
  static double us_between(BenchClock::time_point begin, BenchClock::time_point end) {
    return std::chrono::duration<double, std::micro>(end - begin).count();
  }
  static void show(std::string_view what, const std::vector<double>& all) {
    std::vector<double> us(all.begin() + kWarmUp, all.end());
    std::ranges::sort(us);
    fmt::print("{:<44}{:8.0f} us median {:8.0f} us p99 {:8.0f} us longest\n", what, us[us.size() / 2],
               us[us.size() * 99 / 100], us.back());
  }

  Told told_;
  const std::unique_ptr<Store> writer_, reader_;
  const std::uint64_t run_ = static_cast<std::uint64_t>(BenchClock::now().time_since_epoch().count());
  Revision seen_;
  std::vector<double> commits_, tells_, reads_;
};

}  // namespace
}  // namespace rollcall

int main(int argc, char** argv) {
  using namespace rollcall;
  if (argc < 2) give_up("use: postgres_growth CONNECTION [COMMITS [PAUSE_MS]]");
  const auto number = [&](int at, std::size_t or_else) {
    return argc > at ? static_cast<std::size_t>(std::strtoul(argv[at], nullptr, 10)) : or_else;
  };
  PostgresOptions options;
  options.connection = argv[1];
  options.schema = "rollcall_bench";
  Bench bench(options);
  const auto commits = std::max<std::size_t>(number(2, kCommits), 1);
  const milliseconds pause(number(3, kPauseMs));
  for (std::size_t i = 0; i < kWarmUp + commits; ++i) {
    std::this_thread::sleep_for(pause);
    bench.commit_one();
  }
  bench.show();
}
