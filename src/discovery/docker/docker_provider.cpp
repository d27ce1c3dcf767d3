#include "discovery/docker/docker_provider.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "discovery/docker/engine_client.hpp"
#include "discovery/docker/engine_follower.hpp"
#include "discovery/docker/report.hpp"
#include "net/io_loop.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;

std::unexpected<Error> not_followed() { return fail(ErrorCode::unavailable, "Docker isn't followed by this node"); }

class ThreadedDockerProvider final : public DockerProvider {
 public:
  ThreadedDockerProvider(DockerConfig config, std::unique_ptr<docker::EngineClient> client, const Clock& clock)
      : config_(std::move(config)), client_(std::move(client)), clock_(clock) {}
  ~ThreadedDockerProvider() override { stop(); }

  void start(ProviderSink& sink, Known known) override {
    const std::scoped_lock lock(mutex_);
    if (run_) throw std::logic_error("a Docker provider that runs isn't started");
    run_ = std::make_unique<Run>(config_, *client_, clock_, sink, report_);
    run_->start(std::move(known));
  }

  void stop() override {
    std::unique_ptr<Run> ended;
    {
      const std::scoped_lock lock(mutex_);
      ended.swap(run_);
    }
    if (!ended) return;
    ended.reset();  // joins a thread that may be calling us: not under the lock
    report_.ended();
  }

  void refresh(RefreshDone done) override {
    const bool runs = with_run([&done](Run& run) {
      run.post(
          [done = std::move(done)](docker::EngineFollower& follower) mutable { follower.refresh(std::move(done)); });
    });
    if (!runs) done(not_followed());
  }
  void running_containers(TakeContainers take) override {
    const bool runs = with_run([&take](Run& run) {
      run.post(
          [take = std::move(take)](docker::EngineFollower& follower) mutable { take(follower.running_containers()); });
    });
    if (!runs) take({});
  }
  void node_reports(std::string node, AgentReport report, TakeWishes take) override {
    const bool runs = with_run([&](Run& run) {
      run.post([node = std::move(node), report = std::move(report), take = std::move(take)](
                   docker::EngineFollower& follower) mutable { take(follower.node_reports(node, report)); });
    });
    if (!runs) take(not_followed());
  }
  void order_samples(ServiceName service, OrderDone done) override {
    const bool runs = with_run([&](Run& run) {
      run.post([service = std::move(service), done = std::move(done)](docker::EngineFollower& follower) mutable {
        follower.order_samples(service, std::move(done));
      });
    });
    if (!runs) done(false);
  }

  std::string trouble() const override { return report_.trouble(); }
  DockerState state() const override { return report_.state(); }

 private:
  /// All that lives from start to stop.
  class Run {
   public:
    Run(const DockerConfig& config, docker::EngineClient& client, const Clock& clock, ProviderSink& sink,
        docker::Report& report)
        : follower_({*io_, client, config, clock, sink, report}) {}

    ~Run() {
      io_->stop();
      if (thread_.joinable()) thread_.join();
      follower_.drop_timer();
      io_.reset();
    }

    void start(Provider::Known known) {
      asio::post(*io_, [this, known = std::move(known)]() mutable { follower_.start(std::move(known)); });
      thread_ = std::thread([this] {
        const auto guard = asio::make_work_guard(*io_);
        net::run_io_loop(*io_, "docker");
      });
    }

    template <class Task>
    void post(Task task) {
      asio::post(*io_, [this, task = std::move(task)]() mutable { task(follower_); });
    }

   private:
    std::unique_ptr<asio::io_context> io_ = std::make_unique<asio::io_context>(1);
    docker::EngineFollower follower_;  // outlives its coroutines, which end with io_
    std::thread thread_;
  };

  /// False: nothing is followed.
  template <class Use>
  bool with_run(Use use) {
    const std::scoped_lock lock(mutex_);
    if (run_) use(*run_);
    return run_ != nullptr;
  }

  const DockerConfig config_;
  const std::unique_ptr<docker::EngineClient> client_;
  const Clock& clock_;
  docker::Report report_{clock_};
  std::mutex mutex_;
  std::unique_ptr<Run> run_;  // guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<DockerProvider>> make_docker_provider(DockerConfig config, const Clock& clock) {
  auto client = docker::EngineClient::make(config);
  if (!client) return std::unexpected(client.error());
  return std::make_unique<ThreadedDockerProvider>(std::move(config), *std::move(client), clock);
}

}  // namespace rollcall
