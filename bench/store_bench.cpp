// The SQLite engine beside the disk and the bare schema:  store_bench DIRECTORY  (on a real disk, not tmpfs)
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "store/sqlite/sqlite_store.hpp"

namespace rollcall {
namespace {

using BenchClock = std::chrono::steady_clock;
constexpr std::size_t kInstances = 100'000;
constexpr std::size_t kSingleCommits = 2'000;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kBatches = 1'500;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = BenchClock::now();
  work();
  return std::chrono::duration<double>(BenchClock::now() - start).count();
}

/// Median and 99th percentile in microseconds.
std::string latency_of(std::size_t times, const std::function<void()>& work) {
  std::vector<double> taken(times);
  for (double& one : taken) one = seconds_of(work) * 1e6;
  std::ranges::sort(taken);
  return fmt::format("{:8.0f} us median {:8.0f} us p99", taken[times / 2], taken[times * 99 / 100]);
}

void line(std::string_view what, std::string_view figure) { fmt::print("{:<52}{}\n", what, figure); }

Instance instance_of(std::size_t i) {
  Instance instance;
  instance.id = InstanceId(fmt::format("{:08x}-5d2c-4f7e-9a1b-{:012x}", i * 2'654'435'761U % 0xFFFFFFFFU, i));
  instance.spec.service = ServiceName(fmt::format("service-{}", i % 100));
  instance.spec.address = fmt::format("10.0.{}.{}", i / 250 % 250, i % 250);
  instance.spec.port = static_cast<std::uint16_t>(1024 + i % 60'000);
  instance.spec.tags = {"blue"};
  instance.spec.lease = LeaseTerms{};
  instance.registered_at = instance.status_since = WallTime(std::chrono::milliseconds(1'768'474'800'000));
  return instance;
}

void bench_sync(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  const std::string page(4'096, 'x');
  std::size_t at = 0;
  const auto write_page = [&] {
    if (::pwrite(file, page.data(), page.size(), static_cast<off_t>(at)) < 0 || ::fdatasync(file) != 0) {
      give_up("can't write to " + path);
    }
    at += page.size();
  };
  line("fdatasync of 4 KiB appended", latency_of(kSingleCommits, write_page));
  at = 0;
  line("fdatasync of 4 KiB overwritten", latency_of(kSingleCommits, write_page));
  ::close(file);
}

class BareSchema {
 public:
  explicit BareSchema(const std::string& path) {
    sqlite3_open(path.c_str(), &handle_);
    execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384;"
        "CREATE TABLE events(revision INTEGER PRIMARY KEY, previous INTEGER NOT NULL, body BLOB NOT NULL);"
        "CREATE TABLE instances(number INTEGER PRIMARY KEY, revision INTEGER NOT NULL)");
    sqlite3_prepare_v2(handle_, "INSERT INTO events VALUES(?1,0,?2)", -1, &event_, nullptr);
    sqlite3_prepare_v2(handle_, "INSERT INTO instances VALUES(?1,?1)", -1, &instance_, nullptr);
  }
  ~BareSchema() {
    sqlite3_finalize(event_);
    sqlite3_finalize(instance_);
    sqlite3_close(handle_);
  }
  BareSchema(const BareSchema&) = delete;
  BareSchema& operator=(const BareSchema&) = delete;

  void commit(std::size_t rows) {
    const std::string body(130, 'b');
    execute("BEGIN IMMEDIATE");
    for (std::size_t i = 0; i < rows; ++i) {
      ++row_;
      sqlite3_bind_int64(event_, 1, row_);
      sqlite3_bind_blob(event_, 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
      run(event_);
      sqlite3_bind_int64(instance_, 1, row_);
      run(instance_);
    }
    execute("COMMIT");
  }

 private:
  void execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(handle_));
  }
  void run(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) give_up(sqlite3_errmsg(handle_));
    sqlite3_reset(statement);
  }
  sqlite3* handle_ = nullptr;
  sqlite3_stmt *event_ = nullptr, *instance_ = nullptr;
  sqlite3_int64 row_ = 0;
};

/// Commits to an engine, one batch after another.
class Writer {
 public:
  explicit Writer(Store& store) : store_(store) {}

  void registers(std::size_t rows) {
    ChangeBatch batch{seen_, {}};
    for (std::size_t i = 0; i < rows; ++i) {
      batch.changes.push_back({EventKind::registered, instance_of(next_++), {"api", "registered by a client"}, {}});
    }
    commit(batch);
  }
  void updates(std::size_t rows) {
    ChangeBatch batch{seen_, {}};
    for (std::size_t i = 0; i < rows; ++i) {
      at_ = (at_ + 7'919) % known_.size();
      batch.changes.push_back({EventKind::updated, *known_[at_], {"api", "updated by a client"}, {}});
    }
    commit(batch);
  }

 private:
  void commit(const ChangeBatch& batch) {
    for (const auto& event : must(store_.commit(batch)).events) {
      const std::size_t number = event->instance->number.value;
      if (known_.size() < number) known_.resize(number);
      known_[number - 1] = event->instance;
      seen_ = event->revision;
    }
  }
  Store& store_;
  Revision seen_;
  std::size_t next_ = 0, at_ = 0;
  std::vector<InstancePtr> known_;
};

/// How long and how much of a core. On a busy machine the latter compares better.
struct Taken {
  double wall = 0, cpu = 0;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Taken time_batches(const std::function<void()>& commit) {
  const double before = cpu_seconds();
  Taken taken;
  taken.wall = seconds_of([&] {
    for (std::size_t i = 0; i < kBatches; ++i) commit();
  });
  taken.cpu = cpu_seconds() - before;
  return taken;
}

std::string rate(const Taken& taken) {
  constexpr double kRows = kBatches * kBatch;
  return fmt::format("{:8.0f} rows/s {:8.1f} us of CPU a row", kRows / taken.wall, taken.cpu / kRows * 1e6);
}

std::string compared(const Taken& taken, const Taken& bare) {
  return fmt::format("{}, {:.2f} of bare by time, {:.2f} by CPU", rate(taken), bare.wall / taken.wall,
                     bare.cpu / taken.cpu);
}

Taken bench_bare(const std::string& path) {
  BareSchema bare(path);
  line("bare schema, 1 row a commit", latency_of(kSingleCommits, [&] { bare.commit(1); }));
  const Taken taken = time_batches([&] { bare.commit(kBatch); });
  line("bare schema, 64 rows a commit", rate(taken));
  return taken;
}

void bench_engine(const std::string& path, const Taken& bare) {
  SqliteOptions options;
  options.path = path;
  auto store = must(open_sqlite_store(options));
  Writer writer(*store);
  line("engine, 1 registration a commit", latency_of(kSingleCommits, [&] { writer.registers(1); }));
  const Taken registered = time_batches([&] { writer.registers(kBatch); });
  line("engine, 64 registrations a commit", compared(registered, bare));
  const Taken updated = time_batches([&] { writer.updates(kBatch); });
  line("engine, 64 updates all over a commit", compared(updated, bare));
}

void fill(const std::string& path) {
  SqliteOptions options;
  options.path = path;
  auto store = must(open_sqlite_store(options));
  Writer writer(*store);
  for (std::size_t i = 0; i < kInstances / 1'000; ++i) writer.registers(1'000);
}

void bench_start(const std::string& path) {
  fill(path);
  SqliteOptions options;
  options.path = path;
  std::unique_ptr<Store> store;
  const double opened = seconds_of([&] { store = must(open_sqlite_store(options)); });
  line("open with 100,000 instances, every page checked", fmt::format("{:8.1f} ms", opened * 1e3));
  store.reset();
  options.tuning.checked_at_open_bytes = 0;
  const double unchecked = seconds_of([&] { store = must(open_sqlite_store(options)); });
  line("open, pages unchecked", fmt::format("{:8.1f} ms", unchecked * 1e3));
  std::size_t found = 0;
  const double read = seconds_of([&] { found = must(store->snapshot()).instances.size(); });
  line(fmt::format("snapshot of {}", found), fmt::format("{:8.1f} ms", read * 1e3));
  const double state = seconds_of([&] { found = must(store->state_at(Revision{kInstances / 2}, {})).size(); });
  line(fmt::format("state_at, {} of them", found), fmt::format("{:8.1f} ms", state * 1e3));

  std::vector<LeaseMark> marks;
  for (std::size_t i = 1; i <= kInstances; ++i) marks.push_back({InstanceNumber{i}, std::chrono::milliseconds(i)});
  for (const char* what : {"save 100,000 new lease marks", "save 100,000 known lease marks"}) {
    const double saved =
        seconds_of([&] { must(store->save_leases({.now = std::chrono::seconds(1), .marks = marks})); });
    line(what, fmt::format("{:8.1f} ms", saved * 1e3));
  }
  line("load 100,000 lease marks", fmt::format("{:8.1f} ms", 1e3 * seconds_of([&] { must(store->load_leases()); })));
  const auto later = WallTime(std::chrono::hours(24 * 365));
  line("prune 1,024 events", latency_of(80, [&] { must(store->prune(later)); }));
  line("on disk", fmt::format("{:8.1f} MiB", static_cast<double>(store->health().bytes) / (1 << 20)));
}

}  // namespace
}  // namespace rollcall

int main(int argc, char** argv) {
  if (argc != 2) rollcall::give_up("use: store_bench DIRECTORY");
  const std::filesystem::path directory = std::filesystem::path(argv[1]) / "store_bench.tmp";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  rollcall::bench_sync((directory / "sync").string());
  const rollcall::Taken bare = rollcall::bench_bare((directory / "bare.db").string());
  rollcall::bench_engine((directory / "engine.db").string(), bare);
  rollcall::bench_start((directory / "start.db").string());
  std::filesystem::remove_all(directory);
}
