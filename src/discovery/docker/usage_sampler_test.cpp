// The sampler on its own thread, with an engine that answers when a test lets it.
#include "discovery/docker/usage_sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>

namespace rollcall {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr auto kBound = 10s;

/// What the engine and the test both look at.
class Desk {
 public:
  /// Nothing is answered from now on, or everything is.
  void open(bool is_open) {
    const std::scoped_lock lock(mutex_);
    open_ = is_open;
    if (!open_) return;
    for (const auto& gate : waiting_) {
      if (auto waiting = gate.lock()) asio::post(waiting->get_executor(), [waiting] { waiting->cancel(); });
    }
    waiting_.clear();
  }
  void vanish(const std::string& container) { vanished_.insert(container); }

  asio::awaitable<Result<std::string>> answer(std::string path) {
    const auto gate =
        std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    if (comes(path, gate)) {
      boost::system::error_code cancelled;
      co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    co_return leaves(path);
  }

  bool wait_until_asked(std::size_t times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kBound, [&] { return asked_.size() >= times; });
  }
  std::vector<std::string> asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }
  std::size_t most() {
    const std::scoped_lock lock(mutex_);
    return most_;
  }

 private:
  bool comes(const std::string& path, const std::shared_ptr<asio::steady_timer>& gate) {
    const std::scoped_lock lock(mutex_);
    asked_.push_back(path.substr(0, path.find("/stats")).substr(std::string_view("/containers/").size()));
    most_ = std::max(most_, ++now_);
    changed_.notify_all();
    if (!open_) waiting_.push_back(gate);
    return !open_;
  }
  Result<std::string> leaves(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    --now_;
    for (const auto& container : vanished_) {
      if (path.contains(container)) return fail(ErrorCode::not_found, "no such container");
    }
    return R"({"memory_stats":{"usage":1}})";
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;                                        // guarded by mutex_, as are the others
  std::vector<std::weak_ptr<asio::steady_timer>> waiting_;  // they end with the sampler
  std::vector<std::string> asked_;
  std::set<std::string> vanished_;
  std::size_t now_ = 0, most_ = 0;
};

class DeskEngine final : public docker::EngineClient {
 public:
  explicit DeskEngine(Desk& desk) : desk_(desk) {}
  asio::awaitable<Result<docker::VersionInfo>> negotiate() override { co_return docker::VersionInfo{.api = "1.41"}; }
  bool speaks(unsigned) const noexcept override { return true; }
  std::string version() const override { return "1.41"; }
  asio::awaitable<Result<std::string>> get(std::string path) override { return desk_.answer(std::move(path)); }
  asio::awaitable<Error> follow(std::string, TakeLine, std::function<void()>) override { co_return Error{}; }

 private:
  Desk& desk_;
};

class Sampling : public ::testing::Test {
 protected:
  Sampling() {
    limits.step = 1h;
    for (const char* name : {"a", "b", "c", "d", "e"}) run("web", name);
  }

  void run(const std::string& service, const std::string& container) {
    running.push_back({container, ServiceName(service), {InstanceId("swarm:" + container)}});
  }

  void start() {
    sampler = make_usage_sampler(
        std::make_unique<DeskEngine>(desk), limits, clock, [this](auto take) { take(running); },
        [this](const InstanceId& id, const Sample& sample) {
          const std::scoped_lock lock(mutex);
          if (sample.usage) sampled.insert(id.str());
        });
    sampler->start();
  }

  std::future<bool> refresh(const std::string& service) {
    auto told = std::make_shared<std::promise<bool>>();
    auto future = told->get_future();
    sampler->refresh([service = ServiceName(service)](const RunningContainer& one) { return one.service == service; },
                     [told](bool any) { told->set_value(any); });
    return future;
  }

  SystemClock clock;
  MetricsLimits limits;
  Desk desk;
  std::vector<RunningContainer> running;
  std::mutex mutex;
  std::set<std::string> sampled;  // guarded by mutex
  std::unique_ptr<UsageSampler> sampler;
};

TEST_F(Sampling, AsksAboutSoManyAtATimeAndNoMore) {
  limits.parallel = 3;
  desk.open(false);
  start();
  ASSERT_TRUE(desk.wait_until_asked(3));
  desk.open(true);
  ASSERT_TRUE(desk.wait_until_asked(5));
  sampler->stop();
  EXPECT_EQ(desk.most(), 3U);
  EXPECT_EQ(sampler->counts().failures, 0U);
}

TEST_F(Sampling, PutsWhoIsAskedAboutNowBeforeTheOthers) {
  limits.parallel = 1;
  run("desk", "z");
  desk.open(false);
  start();
  ASSERT_TRUE(desk.wait_until_asked(1));
  auto done = refresh("desk");
  desk.open(true);
  ASSERT_EQ(done.wait_for(kBound), std::future_status::ready);
  EXPECT_TRUE(done.get());
  ASSERT_TRUE(desk.wait_until_asked(7));
  EXPECT_THAT(desk.asked(), ElementsAre("a", "z", "b", "c", "d", "e", "z"));
  const std::scoped_lock lock(mutex);
  EXPECT_TRUE(sampled.contains("swarm:z"));
}

TEST_F(Sampling, TellsThatThereIsNothingNew) {
  desk.vanish("a");
  running.resize(1);
  start();
  auto of_one_that_vanished = refresh("web"), of_none = refresh("nobody");
  ASSERT_EQ(of_one_that_vanished.wait_for(kBound), std::future_status::ready);
  EXPECT_FALSE(of_one_that_vanished.get());
  ASSERT_EQ(of_none.wait_for(kBound), std::future_status::ready);
  EXPECT_FALSE(of_none.get());
  EXPECT_EQ(sampler->counts().failures, 0U);
}

TEST_F(Sampling, EndsWhileTheEngineIsSilentAndTellsWhoWaits) {
  desk.open(false);
  start();
  ASSERT_TRUE(desk.wait_until_asked(5));
  auto done = refresh("web");
  ASSERT_TRUE(desk.wait_until_asked(10));
  sampler->stop();
  sampler.reset();
  ASSERT_EQ(done.wait_for(0s), std::future_status::ready);
  EXPECT_FALSE(done.get());
}

}  // namespace
}  // namespace rollcall
