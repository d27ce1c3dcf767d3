#include "discovery/probe/host_scanner.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "base/log.hpp"
#include "net/name_resolver.hpp"

namespace rollcall::probe {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kLogger = "probe";
constexpr std::size_t kEchoesPerHost = 2;  // of the few threads that all hosts share
constexpr auto kTroubleLogInterval = std::chrono::minutes(1);

/// Runs what blocks on a thread of its own and comes back to the coroutine's.
template <class Function>
auto blocking(asio::thread_pool& pool, Function function) -> asio::awaitable<decltype(function())> {
  using Value = decltype(function());
  return asio::co_spawn(pool, [function]() -> asio::awaitable<Value> { co_return function(); }, asio::use_awaitable);
}

}  // namespace

HostScanner::HostScanner(ScanContext& context, ProbeTarget target)
    : context_(context),
      target_(std::move(target)),
      book_(target_.host, context.config, context.config.ranges[target_.range], context.sink) {
  if (target_.is_name) return;
  address_ = asio::ip::make_address(target_.host);
  is_local_ = is_local(*address_);
}

bool HostScanner::adopt(const Instance& instance) { return book_.adopt(instance, now()); }

void HostScanner::start() {
  spawn(run_sweeps(), "sweeps");
  for (const std::uint16_t port : book_.web_ports_known()) watch(port);
  watch_dicom_nodes();
}

void HostScanner::spawn(Awaitable<> coroutine, const char* what) {
  asio::co_spawn(context_.io, std::move(coroutine), [this, what](const std::exception_ptr& escaped) {
    if (!escaped) return;
    try {
      std::rethrow_exception(escaped);
    } catch (const std::exception& error) {
      log::error(kLogger, "{} of {} ended: {}", what, target_.host, error.what());
    }
  });
}

asio::awaitable<void> HostScanner::run_crew(std::size_t count, std::function<Awaitable<>()> worker) {
  std::size_t working = count;
  asio::steady_timer all_done(context_.io, asio::steady_timer::time_point::max());
  for (std::size_t i = 0; i < count; ++i)
    asio::co_spawn(context_.io, worker(), [this, &working, &all_done](const std::exception_ptr& escaped) {
      if (escaped) log::error(kLogger, "a probe of {} failed", target_.host);
      if (--working == 0) all_done.cancel();
    });
  boost::system::error_code cancelled;
  while (working > 0) co_await all_done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

asio::awaitable<void> HostScanner::sleep_until(MonoTime when) {
  asio::steady_timer timer(context_.io, when);
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

asio::awaitable<void> HostScanner::take_turn() {
  const MonoTime turn = context_.limiter.reserve(context_.clock.now());
  if (turn > context_.clock.now()) co_await sleep_until(turn);
}

asio::awaitable<void> HostScanner::run_sweeps() {
  MonoTime next = context_.clock.now();
  while (true) {
    try {
      co_await sweep();
    } catch (const std::exception& error) {
      log::error(kLogger, "sweep of {} failed: {}", target_.host, error.what());
    }
    next = std::max(next + context_.config.sweep_interval, context_.clock.now());
    co_await sleep_until(next);
  }
}

asio::awaitable<void> HostScanner::sweep() {
  if (target_.is_name) {
    address_ = co_await net::resolve(target_.host);
    is_local_ = address_ && is_local(*address_);
  }
  if (!address_) co_return note_trouble(target_.host + " has no address");
  PortList web, to_echo;
  const PortList& dicom = range().dicom_ports;
  std::ranges::copy_if(range().web_ports, std::back_inserter(web), [&](auto port) { return !book_.knows(port); });
  std::size_t next_web = 0, next_dicom = 0, next_echo = 0;
  const std::size_t workers =
      std::min(context_.in_flight_per_host, std::max(web.size() + dicom.size(), std::size_t{1}));
  co_await run_crew(workers, [&]() -> Awaitable<> {
    co_await probe_web_ports(web, next_web);
    co_await probe_dicom_ports(dicom, next_dicom, to_echo);
  });
  co_await run_crew(std::min(kEchoesPerHost, to_echo.size()), [&] { return echo_ports(to_echo, next_echo); });
  book_.sweep_finished(now());
  watch_dicom_nodes();
}

asio::awaitable<void> HostScanner::probe_web_ports(const PortList& ports, std::size_t& next) {
  while (next < ports.size()) {
    const std::uint16_t port = ports[next++];
    co_await take_turn();
    const WebAnswer answer = co_await ask_web(web_target(port));
    note(answer.outcome, answer.evidence);
    if (book_.found(port, answer, now())) watch(port);
  }
}

asio::awaitable<void> HostScanner::probe_dicom_ports(const PortList& ports, std::size_t& next, PortList& to_echo) {
  while (next < ports.size()) {
    const std::uint16_t port = ports[next++];
    co_await take_turn();
    const asio::ip::tcp::endpoint endpoint(*address_, port);
    const auto socket = co_await net::connect(endpoint, context_.config.connect_timeout);
    const Outcome outcome = socket ? Outcome::answered : outcome_of(socket.error().why);
    if (!socket) note(outcome, socket.error().evidence);
    if (book_.dicom_connected(port, outcome, now())) to_echo.push_back(port);
  }
}

asio::awaitable<void> HostScanner::echo_ports(const PortList& ports, std::size_t& next) {
  while (next < ports.size()) {
    const std::uint16_t port = ports[next++];
    co_await take_turn();
    auto echo = [&echo = context_.echo, address = *address_, port, timeout = context_.config.echo_timeout] {
      return echo.echo(address, port, timeout);
    };
    const EchoResult result = co_await blocking(context_.blocking, std::move(echo));
    book_.dicom_echoed(port, result, now());
  }
}

WebTarget HostScanner::web_target(std::uint16_t port) const {
  WebTarget target;
  target.endpoint = {*address_, port};
  if (target_.is_name) target.host_header = target_.host + ":" + std::to_string(port);
  if (const auto& credentials = range().credentials)
    target.authorization = net::basic_authorization(credentials->user, credentials->password);
  target.connect_timeout = context_.config.connect_timeout;
  target.answer_timeout = context_.config.answer_timeout;
  return target;
}

void HostScanner::note(Outcome outcome, const std::string& evidence) {
  if (outcome == Outcome::no_evidence) note_trouble(evidence);
}

void HostScanner::note_trouble(std::string what) {
  const MonoTime at = context_.clock.now();
  if (!context_.last_trouble_logged || at - *context_.last_trouble_logged >= kTroubleLogInterval) {
    context_.last_trouble_logged = at;
    log::warning(kLogger, "{}; what can't be asked keeps its last status", what);
  }
  context_.trouble.met(std::move(what), at);
}

void HostScanner::watch(std::uint16_t web_port) {
  const std::uint64_t id = watches_[web_port] = ++last_watch_;
  spawn(run_checks(web_port, id), "checks");
  spawn(run_details(web_port, id), "details");
}

bool HostScanner::watching(std::uint16_t web_port, std::uint64_t watch_id) const {
  const auto found = watches_.find(web_port);
  return found != watches_.end() && found->second == watch_id && book_.knows(web_port);
}

void HostScanner::watch_dicom_nodes() {
  for (const std::uint16_t port : book_.dicom_nodes_known())
    if (watched_dicom_nodes_.insert(port).second) spawn(run_dicom_checks(port), "DICOM checks");
}

}  // namespace rollcall::probe
