#pragma once
// Drives what HostBook decides for one host: sweeps of its ports, checks of its known servers. One thread.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "discovery/probe/config.hpp"
#include "discovery/probe/dicom_echo.hpp"
#include "discovery/probe/host_book.hpp"
#include "discovery/probe/local_process.hpp"
#include "discovery/probe/rate_limiter.hpp"
#include "discovery/probe/trouble.hpp"
#include "discovery/probe/web_probe.hpp"

namespace rollcall::probe {

/// What all scanners share. Outlives them and their coroutines.
struct ScanContext {
  boost::asio::io_context& io;
  boost::asio::thread_pool& blocking;  ///< C-ECHO and /proc
  const ProbeConfig& config;
  const Clock& clock;
  ProviderSink& sink;
  RateLimiter& limiter;
  DicomEcho& echo;
  Trouble& trouble;
  std::size_t in_flight_per_host = 1;
  std::optional<MonoTime> last_trouble_logged;
};

class HostScanner {
 public:
  HostScanner(ScanContext& context, ProbeTarget target);

  /// Before start(). False: not this host's.
  [[nodiscard]] bool adopt(const Instance& instance);

  /// Starts the coroutines; they end with the io_context. This object must outlive it.
  void start();

 private:
  template <class T = void>
  using Awaitable = boost::asio::awaitable<T>;

  /// The CPU time read last, to tell the use in between.
  struct ProcessWatch {
    std::optional<ProcessIdentity> process;
    MonoTime next_search;
    std::uint64_t cpu_ticks = 0;
    MonoTime read_at;
  };

  void spawn(Awaitable<> coroutine, const char* what);
  /// `count` times `worker` at once; returns when all have ended.
  Awaitable<> run_crew(std::size_t count, std::function<Awaitable<>()> worker);
  Awaitable<> sleep_until(MonoTime when);
  Awaitable<> take_turn();

  Awaitable<> run_sweeps();
  Awaitable<> sweep();
  Awaitable<> probe_web_ports(const PortList& ports, std::size_t& next);
  Awaitable<> probe_dicom_ports(const PortList& ports, std::size_t& next, PortList& to_echo);
  Awaitable<> echo_ports(const PortList& ports, std::size_t& next);

  void watch(std::uint16_t web_port);
  Awaitable<> run_checks(std::uint16_t web_port, std::uint64_t watch_id);
  Awaitable<> check(std::uint16_t web_port);
  Awaitable<> run_details(std::uint16_t web_port, std::uint64_t watch_id);
  Awaitable<> look_at_process(std::uint16_t web_port, ProcessWatch& process);
  void watch_dicom_nodes();
  Awaitable<> run_dicom_checks(std::uint16_t port);

  [[nodiscard]] bool watching(std::uint16_t web_port, std::uint64_t watch_id) const;
  [[nodiscard]] Now now() const { return {context_.clock.now(), context_.clock.wall_now()}; }
  [[nodiscard]] WebTarget web_target(std::uint16_t port) const;
  [[nodiscard]] const ProbeRange& range() const { return context_.config.ranges[target_.range]; }
  void note(Outcome outcome, const std::string& evidence);
  void note_trouble(std::string what);

  ScanContext& context_;
  const ProbeTarget target_;
  std::optional<boost::asio::ip::address> address_;  // of a name: as of the last sweep
  bool is_local_ = false;
  HostBook book_;
  std::map<std::uint16_t, std::uint64_t> watches_;  // which watch of a web port is the current one
  std::uint64_t last_watch_ = 0;
  std::set<std::uint16_t> watched_dicom_nodes_;
};

}  // namespace rollcall::probe
