// The checks of known servers: each on its own, so that a slow one never delays another.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "discovery/probe/host_scanner.hpp"

namespace rollcall::probe {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kLogger = "probe";
constexpr std::string_view kProgram = "orthanc";
constexpr auto kProcessSearchInterval = std::chrono::seconds(10);
constexpr unsigned kPluginsEvery = 30;  // rounds of details

}  // namespace

asio::awaitable<void> HostScanner::run_checks(std::uint16_t web_port, std::uint64_t watch_id) {
  MonoTime next = context_.clock.now();
  while (watching(web_port, watch_id)) {
    try {
      co_await check(web_port);
    } catch (const std::exception& error) {
      log::error(kLogger, "check of {}:{} failed: {}", target_.host, web_port, error.what());
    }
    next = std::max(next + context_.config.check_interval, context_.clock.now());
    co_await sleep_until(next);
  }
}

asio::awaitable<void> HostScanner::check(std::uint16_t web_port) {
  if (!address_) co_return;                                           // a name without address is no evidence
  static_cast<void>(context_.limiter.reserve(context_.clock.now()));  // checks count, but never wait
  const WebAnswer answer = co_await ask_web(web_target(web_port));
  note(answer.outcome, answer.evidence);
  book_.checked(web_port, answer, now());
}

asio::awaitable<void> HostScanner::run_details(std::uint16_t web_port, std::uint64_t watch_id) {
  ProcessWatch process;
  MonoTime next = context_.clock.now();
  for (unsigned round = 0; watching(web_port, watch_id); ++round) {
    try {
      if (address_ && book_.online(web_port)) {
        co_await look_at_process(web_port, process);
        auto target = web_target(web_port);
        auto details = co_await ask_details(std::move(target), book_.locked(web_port), round % kPluginsEvery == 0);
        if (details.any) book_.detailed(web_port, details.counts, std::move(details.plugins));
      }
    } catch (const std::exception& error) {
      log::error(kLogger, "details of {}:{} failed: {}", target_.host, web_port, error.what());
    }
    next = std::max(next + context_.config.details_interval, context_.clock.now());
    co_await sleep_until(next);
  }
}

asio::awaitable<void> HostScanner::look_at_process(std::uint16_t web_port, ProcessWatch& watch) {
  if (!is_local_) co_return;
  std::optional<ProcessUse> use;
  if (watch.process) use = read_use(*watch.process);
  const MonoTime at = context_.clock.now();
  if (!use && (watch.process || at >= watch.next_search)) {
    watch.next_search = at + kProcessSearchInterval;
    watch.process = co_await asio::co_spawn(
        context_.blocking,
        [web_port]() -> Awaitable<std::optional<ProcessIdentity>> { co_return find_listener(web_port, kProgram); },
        asio::use_awaitable);
    if (watch.process) use = read_use(*watch.process);
    watch.read_at = MonoTime{};
  }
  if (!use) co_return;
  std::optional<double> cpu_percent;
  if (watch.read_at != MonoTime{} && at > watch.read_at) {
    const double seconds = std::chrono::duration<double>(at - watch.read_at).count();
    cpu_percent = static_cast<double>(use->cpu_ticks - watch.cpu_ticks) / ticks_per_second() / seconds * 100;
  }
  watch.cpu_ticks = use->cpu_ticks;
  watch.read_at = at;
  book_.saw_process(web_port, watch.process->start_ticks, cpu_percent, use->memory_bytes);
}

asio::awaitable<void> HostScanner::run_dicom_checks(std::uint16_t port) {
  MonoTime next = context_.clock.now();
  bool known = true;
  while (known) {
    if (address_) {
      const asio::ip::tcp::endpoint endpoint(*address_, port);
      const auto socket = co_await net::connect(endpoint, context_.config.connect_timeout);
      Observation observation{Outcome::answered, "accepted a connection", context_.clock.now()};
      if (!socket) observation = {outcome_of(socket.error().why), socket.error().evidence, context_.clock.now()};
      known = book_.dicom_checked(port, observation, now());
    }
    next = std::max(next + context_.config.check_interval, context_.clock.now());
    if (known) co_await sleep_until(next);
  }
  watched_dicom_nodes_.erase(port);
}

}  // namespace rollcall::probe
