#include "discovery/probe/probe_provider.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "discovery/probe/host_scanner.hpp"
#include "net/io_loop.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kBlockingThreads = 4;
constexpr std::size_t kMaxInFlightPerHost = 64;

class ProbeProvider final : public Provider {
 public:
  ProbeProvider(ProbeConfig config, const Clock& clock) : config_(std::move(config)), clock_(clock) {
    if (const auto valid = validate(config_); !valid)
      throw std::invalid_argument(valid.error().field + ": " + valid.error().message);
  }
  ~ProbeProvider() override { stop(); }

  void start(ProviderSink& sink, Known known) override {
    if (run_) throw std::logic_error("a probe provider is started once");
    run_ = std::make_unique<Run>(config_, clock_, sink, trouble_);
    run_->start(known());
  }

  void stop() override { run_.reset(); }

  std::string trouble() const override { return trouble_.from(clock_.now() - 2 * config_.sweep_interval); }

 private:
  /// All that lives from start to stop.
  class Run {
   public:
    Run(const ProbeConfig& config, const Clock& clock, ProviderSink& sink, probe::Trouble& trouble)
        : limiter_(config.connections_per_second),
          echo_(probe::DicomEcho::make()),
          targets_(targets_of(config).value()),
          context_{io_, blocking_, config, clock, sink, limiter_, *echo_, trouble, share_of(config, targets_.size()),
                   {}} {}

    ~Run() {
      io_.stop();
      echo_->cancel();
      blocking_.stop();
      if (thread_.joinable()) thread_.join();
      blocking_.join();
    }

    void start(std::vector<InstancePtr> known) {
      for (auto& target : targets_) {
        auto scanner = std::make_unique<probe::HostScanner>(context_, target);
        by_host_.emplace(target.host, scanner.get());
        scanners_.push_back(std::move(scanner));
      }
      asio::post(io_, [this, known = std::move(known)] {
        adopt(known);
        for (const auto& scanner : scanners_) scanner->start();
      });
      thread_ = std::thread([this] { work(); });
    }

   private:
    /// So that a host that swallows connections never holds up another.
    static std::size_t share_of(const ProbeConfig& config, std::size_t hosts) {
      return std::clamp(config.max_in_flight / std::max<std::size_t>(hosts, 1), std::size_t{1}, kMaxInFlightPerHost);
    }

    void adopt(const std::vector<InstancePtr>& known) {
      for (const auto& instance : known) {
        const auto found = by_host_.find(instance->spec.address);
        if (found != by_host_.end() && found->second->adopt(*instance)) continue;
        context_.sink.gone(instance->id, {"probe", "no longer among the configured hosts and ports"});
      }
    }

    void work() {
      const auto guard = asio::make_work_guard(io_);
      net::run_io_loop(io_, "probe");
    }

    // In this order: coroutines die with io_ and blocking_, and refer to what stands above them.
    probe::RateLimiter limiter_;
    std::unique_ptr<probe::DicomEcho> echo_;
    std::vector<ProbeTarget> targets_;
    std::vector<std::unique_ptr<probe::HostScanner>> scanners_;
    std::unordered_map<std::string, probe::HostScanner*> by_host_;
    asio::io_context io_{1};
    asio::thread_pool blocking_{kBlockingThreads};
    probe::ScanContext context_;
    std::thread thread_;
  };

  const ProbeConfig config_;
  const Clock& clock_;
  probe::Trouble trouble_;
  std::unique_ptr<Run> run_;
};

}  // namespace

std::unique_ptr<Provider> make_probe_provider(ProbeConfig config, const Clock& clock) {
  return std::make_unique<ProbeProvider>(std::move(config), clock);
}

}  // namespace rollcall
