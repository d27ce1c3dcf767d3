#include "discovery/check/checker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <thread>
#include <unordered_map>

#include "base/log.hpp"
#include "net/http_client.hpp"
#include "net/io_loop.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kLogger = "check";
constexpr auto kFirstWithin = std::chrono::seconds(1);
constexpr auto kBusyPause = std::chrono::milliseconds(50);
constexpr std::size_t kMaxBodyBytes = 4096;  // only the status counts

struct Finding {
  Status status = Status::passing;
  std::string evidence;
};

/// Nothing where the failure is our own.
std::optional<Finding> finding_from(const net::ConnectFailure& failure) {
  if (failure.why == net::Unreachable::no_route || failure.why == net::Unreachable::no_resources) return std::nullopt;
  return Finding{Status::critical, failure.evidence};
}

Status status_for(unsigned http_status) {
  if (http_status >= 200 && http_status < 300) return Status::passing;
  return http_status == 429 ? Status::warning : Status::critical;
}

asio::awaitable<std::optional<Finding>> run_check(CheckSpec check, CheckTarget target) {
  if (check.kind == CheckSpec::Kind::tcp) {
    const auto socket = co_await net::connect(target.endpoint, check.timeout);
    if (!socket) co_return finding_from(socket.error());
    co_return Finding{Status::passing, fmt::format("{} accepts connections", net::to_text(target.endpoint))};
  }
  net::HttpRequest request;
  request.endpoint = target.endpoint;
  request.target = target.path;
  request.timeout = request.connect_timeout = check.timeout;
  request.max_body_bytes = kMaxBodyBytes;
  const auto reply = co_await net::get(std::move(request));
  if (!reply) co_return finding_from(reply.error());
  co_return Finding{status_for(reply->status), fmt::format("GET {} answered {}", check.target, reply->status)};
}

class AsioChecker final : public Checker {
 public:
  AsioChecker(CheckerConfig config, const Clock& clock, Report report)
      : config_(std::move(config)), clock_(clock), report_(std::move(report)), thread_([this] { work(); }) {}
  ~AsioChecker() override { stop(); }

  void update(InstancePtr instance) override {
    asio::post(io_, [this, instance = std::move(instance)]() mutable { take(std::move(instance)); });
  }
  void remove(InstanceId id) override {
    asio::post(io_, [this, id = std::move(id)] { entries_.erase(id); });
  }
  void stop() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Entry {
    InstancePtr instance;
    CheckTarget target;
    std::uint64_t run = 0;  // which coroutine is the current one
  };

  class InFlight {
   public:
    explicit InFlight(std::size_t& count) : count_(count) { ++count_; }
    ~InFlight() { --count_; }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

   private:
    std::size_t& count_;
  };

  void take(InstancePtr instance) {
    const auto& check = instance->spec.check;
    if (!check || !check_allowed(*check, config_.networks)) {
      entries_.erase(instance->id);
      return;
    }
    const auto found = entries_.find(instance->id);
    if (found != entries_.end() && found->second.instance->spec.check == check) {
      found->second.instance = std::move(instance);
      return;
    }
    if (found == entries_.end() && entries_.size() >= config_.max_checks) {
      log::warning(kLogger, "{} isn't checked: there are {} checks already", instance->id.str(), entries_.size());
      return;
    }
    const InstanceId id = instance->id;
    const std::uint64_t run = ++last_run_;
    const MonoTime first = first_check(id, check->interval);
    entries_.insert_or_assign(id, Entry{std::move(instance), parse_check_target(*check).value(), run});
    asio::co_spawn(io_, keep_checking(id, run, first), [](const std::exception_ptr& escaped) {
      if (escaped) log::error(kLogger, "a check ended by an exception");
    });
  }

  /// Spread by the ids: many instances that are known at once aren't all asked at once.
  [[nodiscard]] MonoTime first_check(const InstanceId& id, Duration interval) const {
    const auto window = static_cast<std::uint64_t>(std::min<Duration>(kFirstWithin, interval).count());
    return clock_.now() + Duration(std::hash<InstanceId>{}(id) % std::max<std::uint64_t>(window, 1));
  }

  asio::awaitable<void> keep_checking(InstanceId id, std::uint64_t run, MonoTime next) {
    while (true) {
      co_await sleep_until(next);
      const Entry* entry = current(id, run);
      if (entry == nullptr) co_return;
      if (in_flight_ >= config_.max_in_flight) {
        next = clock_.now() + kBusyPause;
        continue;
      }
      const InFlight counted(in_flight_);
      const CheckSpec check = *entry->instance->spec.check;
      const CheckTarget target = entry->target;
      const auto finding = co_await run_check(check, target);
      entry = current(id, run);
      if (entry == nullptr) co_return;
      if (finding && finding->status != entry->instance->health)
        report_(id, finding->status, {"check", finding->evidence});
      next = std::max(next + check.interval, clock_.now());
    }
  }

  [[nodiscard]] const Entry* current(const InstanceId& id, std::uint64_t run) const {
    const auto found = entries_.find(id);
    return found != entries_.end() && found->second.run == run ? &found->second : nullptr;
  }

  asio::awaitable<void> sleep_until(MonoTime when) {
    asio::steady_timer timer(io_, when);
    boost::system::error_code cancelled;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }

  void work() {
    const auto guard = asio::make_work_guard(io_);
    net::run_io_loop(io_, kLogger);
  }

  const CheckerConfig config_;
  const Clock& clock_;
  const Report report_;
  std::unordered_map<InstanceId, Entry> entries_;  // on the thread only, as are the next two
  std::uint64_t last_run_ = 0;
  std::size_t in_flight_ = 0;
  asio::io_context io_{1};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Checker> make_checker(CheckerConfig config, const Clock& clock, Checker::Report report) {
  return std::make_unique<AsioChecker>(std::move(config), clock, std::move(report));
}

}  // namespace rollcall
