#pragma once
// The routes on real parts, without sockets or threads: requests go in as values, time is moved by hand. For tests.
#include <boost/asio/io_context.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/routes.hpp"
#include "base/executor.hpp"
#include "base/random.hpp"
#include "base/turn_barrier.hpp"

namespace rollcall::api {

class HandClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override { return now_; }
  [[nodiscard]] WallTime wall_now() const noexcept override { return wall_; }
  void advance(std::chrono::milliseconds by) {
    now_ += by;
    wall_ += by;
  }

 private:
  MonoTime now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::milliseconds{1'700'000'000'000}};
};

/// Runs what was posted when told to.
class HandExecutor final : public Executor {
 public:
  explicit HandExecutor(const Clock& clock) : clock_(clock) {}
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId post_at(MonoTime when, Task task) override;
  void cancel(TimerId timer) override;
  /// True if there was something to run.
  bool run_ready();

 private:
  const Clock& clock_;
  std::deque<Task> tasks_;
  std::map<std::pair<MonoTime, std::uint64_t>, Task> timers_;
  std::uint64_t last_timer_ = 0;
};

struct Reply {
  unsigned status = 0;
  std::string body, content_type, etag, location, allow;
  unsigned retry_after_s = 0;
};

/// What a provider would do for the routes.
struct DiscoveryHooks {
  std::function<std::optional<DiscoveryState>()> state;
  std::function<void(std::move_only_function<void(Result<void>)>)> refresh;
  std::function<void(const ServiceName&, std::move_only_function<void(bool)>)> refresh_usage;
};

/// A daemon without its edges.
class ApiHarness {
 public:
  explicit ApiHarness(Limits limits = {}, DiscoveryHooks hooks = {});
  ~ApiHarness();

  /// Answers, running whatever has to run for it.
  Reply ask(http::Method method, std::string_view target, std::string_view body = {}, std::string_view accept = {});
  Reply get(std::string_view target) { return ask(http::Method::get, target); }
  Reply put(std::string_view target, std::string_view body = {}) { return ask(http::Method::put, target, body); }
  Reply post(std::string_view target, std::string_view body = {}) { return ask(http::Method::post, target, body); }

  /// The answer as the routes give it: at once, held, or with a stream. `last_event_id` as a browser sends it.
  http::Answer ask_raw(std::string_view target, std::string_view last_event_id = {});

  /// What a provider would submit.
  void observe(Observe sighting);
  void advance(std::chrono::milliseconds by);
  /// From now on the Store refuses writes, or takes them again.
  void fail_writes(bool failing);

  /// Runs whatever can run now.
  void settle();

  SampleTable& samples() { return samples_; }
  Registry& registry() { return *registry_; }
  const Catalog& catalog() { return *catalog_; }
  CatalogReader& reader() { return *reader_; }
  Executor& registry_executor() { return own_; }
  Executor& lane() { return lane_; }
  const Clock& clock() { return clock_; }
  const Limits& limits() { return limits_; }

 private:
  class FailingStore;

  void remember(const InstanceId& id, const Sample& sample);

  HandClock clock_;
  Limits limits_;
  SystemRandom random_;
  HandExecutor own_{clock_}, store_executor_{clock_}, lane_{clock_};
  struct Turns final : TurnBarrier {
    void after_all_turned(Task done) override { done(); }
  } turns_;
  std::unique_ptr<FailingStore> store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<CatalogReader> reader_;
  std::unique_ptr<Registry> registry_;
  UsageHistory usage_;
  SampleTable samples_{[this](const InstanceId& id, const Sample& sample) { remember(id, sample); }};
  http::Router router_;
  boost::asio::io_context io_{1};
};

}  // namespace rollcall::api
