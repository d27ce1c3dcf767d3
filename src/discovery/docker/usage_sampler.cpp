#include "discovery/docker/usage_sampler.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <thread>
#include <unordered_map>

#include "base/log.hpp"
#include "discovery/docker/engine_client.hpp"
#include "discovery/docker/stats.hpp"
#include "net/io_loop.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kLogger = "docker";
constexpr auto kWhileNoneRuns = std::chrono::seconds(1);

/// Samples that were asked for together. Ends when the last of its containers has been asked, or has been dropped.
struct Round {
  explicit Round(UsageSampler::Done on_end) : done(std::move(on_end)) {}
  ~Round() { done(sampled > 0); }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  UsageSampler::Done done;
  std::size_t sampled = 0;
};
using RoundPtr = std::shared_ptr<Round>;

struct Job {
  RunningContainer container;
  RoundPtr round;
};

class AsioUsageSampler final : public UsageSampler {
 public:
  AsioUsageSampler(std::unique_ptr<docker::EngineClient> client, const MetricsLimits& limits, const Clock& clock,
                   ListContainers list, Take take)
      : client_(std::move(client)), limits_(limits), clock_(clock), list_(std::move(list)), take_(std::move(take)) {}
  ~AsioUsageSampler() override { stop(); }

  void start() override {
    thread_ = std::thread([this] {
      const auto guard = asio::make_work_guard(io_);
      net::run_io_loop(io_, kLogger);
    });
    asio::post(io_, [this] { tick(); });
  }

  void stop() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    jobs_.clear();
  }

  void refresh(Wanted wanted, Done done) override {
    ask_for(std::make_shared<Round>(std::move(done)), std::move(wanted), Turn::first);
  }

  Counts counts() const override {
    return {samples_.load(std::memory_order_relaxed), failures_.load(std::memory_order_relaxed),
            std::chrono::milliseconds(round_ms_.load(std::memory_order_relaxed))};
  }

 private:
  enum class Turn : std::uint8_t { first, last };

  void tick_after(Duration pause) {
    timer_.expires_after(pause);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) tick();
    });
  }

  /// A round that the engine is slow with isn't overtaken by the next.
  void tick() {
    tick_after(limits_.step);
    if (!of_all_.expired()) return;
    const auto begun = clock_.now();
    const auto round = std::make_shared<Round>([this, begun](bool) {
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begun);
      round_ms_.store(took.count(), std::memory_order_relaxed);
    });
    of_all_ = round;
    ask_for(round, [](const RunningContainer&) { return true; }, Turn::last);
  }

  void ask_for(RoundPtr round, Wanted wanted, Turn turn) {
    list_([this, round = std::move(round), wanted = std::move(wanted), turn](std::vector<RunningContainer> running) {
      std::erase_if(running, [&](const RunningContainer& container) { return !wanted(container); });
      asio::post(io_, [this, round, running = std::move(running), turn]() mutable {
        take_up(std::move(running), round, turn);
      });
    });
  }

  void take_up(std::vector<RunningContainer> running, const RoundPtr& round, Turn turn) {
    if (turn == Turn::last) forget_others(running);
    if (turn == Turn::last && running.empty()) tick_after(std::min<Duration>(limits_.step, kWhileNoneRuns));
    for (auto& container : running) {
      Job job{std::move(container), round};
      turn == Turn::first ? jobs_.push_front(std::move(job)) : jobs_.push_back(std::move(job));
    }
    spawn(begin_work());
  }

  void spawn(asio::awaitable<void> coroutine) {
    asio::co_spawn(io_, std::move(coroutine), [](const std::exception_ptr& escaped) {
      if (escaped) log::error(kLogger, "asking for figures ended by an exception");
    });
  }

  asio::awaitable<void> begin_work() {
    if (!agreed_) {
      auto asked = client_->negotiate();
      const auto version = co_await std::move(asked);
      agreed_ = version.has_value();
      if (!agreed_) failed("every container", version.error());
      if (!agreed_) jobs_.clear();
    }
    const auto most = std::min(jobs_.size(), limits_.parallel - std::min(limits_.parallel, workers_));
    for (std::size_t i = 0; i < most; ++i) spawn(work());
  }

  /// The engine may be another by now, with other versions.
  void failed(std::string_view container, const Error& error) {
    agreed_ = false;
    failures_.fetch_add(1, std::memory_order_relaxed);
    log::debug(kLogger, "no figures of {}: {}", container, error.message);
  }

  /// `all`: everything that runs now.
  void forget_others(const std::vector<RunningContainer>& all) {
    std::unordered_map<InstanceId, WallTime> kept;
    for (const auto& container : all) {
      for (const auto& id : container.instances) {
        if (const auto known = first_seen_.find(id); known != first_seen_.end()) kept.insert(*known);
      }
    }
    first_seen_ = std::move(kept);
  }

  class Working {
   public:
    explicit Working(std::size_t& count) : count_(count) { ++count_; }
    ~Working() { --count_; }
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;

   private:
    std::size_t& count_;
  };

  asio::awaitable<void> work() {
    const Working counted(workers_);
    while (!jobs_.empty()) {
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      auto asked = client_->get(fmt::format("/containers/{}/stats?stream=false", job.container.id));
      const auto answer = co_await std::move(asked);
      if (answer) {
        take(job, *answer);
      } else if (answer.error().code != ErrorCode::not_found) {
        failed(job.container.id, answer.error());
      }
    }
  }

  void take(const Job& job, std::string_view answer) {
    const auto usage = docker::parse_stats(answer);
    if (!usage) return;
    for (const auto& id : job.container.instances) {
      Sample sample;
      sample.last_seen = clock_.wall_now();
      sample.first_seen = first_seen_.try_emplace(id, sample.last_seen).first->second;
      sample.usage = usage;
      take_(id, sample);
    }
    samples_.fetch_add(1, std::memory_order_relaxed);
    ++job.round->sampled;
  }

  const std::unique_ptr<docker::EngineClient> client_;
  const MetricsLimits limits_;
  const Clock& clock_;
  const ListContainers list_;
  const Take take_;
  std::atomic<std::uint64_t> samples_{0}, failures_{0};
  std::atomic<std::int64_t> round_ms_{0};
  // On the thread only.
  std::deque<Job> jobs_;
  std::size_t workers_ = 0;
  bool agreed_ = false;  // on a version
  std::weak_ptr<Round> of_all_;
  std::unordered_map<InstanceId, WallTime> first_seen_;
  asio::io_context io_{1};
  asio::steady_timer timer_{io_};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<UsageSampler> make_usage_sampler(std::unique_ptr<docker::EngineClient> client,
                                                 const MetricsLimits& limits, const Clock& clock,
                                                 UsageSampler::ListContainers list, UsageSampler::Take take) {
  return std::make_unique<AsioUsageSampler>(std::move(client), limits, clock, std::move(list), std::move(take));
}

Result<std::unique_ptr<UsageSampler>> make_usage_sampler(const DockerConfig& config, const MetricsLimits& limits,
                                                         const Clock& clock, UsageSampler::ListContainers list,
                                                         UsageSampler::Take take) {
  auto client = docker::EngineClient::make(config);
  if (!client) return std::unexpected(client.error());
  return make_usage_sampler(*std::move(client), limits, clock, std::move(list), std::move(take));
}

}  // namespace rollcall
