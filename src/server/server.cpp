#include "server/server.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <thread>

#include "api/routes.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "codec/json.hpp"
#include "http/h1/server.hpp"
#include "http/h2/server.hpp"
#include "net/context_executor.hpp"
#include "net/io_executor.hpp"
#include "net/io_threads.hpp"
#include "net/listener.hpp"
#include "server/cluster.hpp"
#include "server/discovery.hpp"
#include "server/docker.hpp"
#include "server/http_metrics.hpp"
#include "server/http_tls.hpp"
#include "server/lane.hpp"
#include "server/probing.hpp"
#include "server/publishing.hpp"
#include "server/socket_lane.hpp"
#include "server/store_opening.hpp"
#include "server/usage_metrics.hpp"
#include "server/version.hpp"
#include "server/who_may_ask.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;

Encoders encoders() {
  return {.instance = [](const Instance& instance, std::string& out) { codec::append_instance(out, instance); },
          .service = [](const Service& service, std::string& out) { codec::append_service_members(out, service); },
          .event = [](const Event& event, std::string& out) { codec::append_event(out, event); }};
}

std::size_t io_threads_of(const Settings& settings) {
  return settings.io_threads != 0 ? settings.io_threads : std::max(1U, std::thread::hardware_concurrency());
}

/// Of the nodes that share a log, one asks the instances that want to be checked.
constexpr std::string_view kCheckOffice = "checks";

asio::awaitable<void> serve_http(std::unique_ptr<http::Channel> channel, http::ServerContext context) {
  auto served = http::h1::serve(*channel, context);
  auto first_bytes_of_http2 = co_await std::move(served);
  if (!first_bytes_of_http2) co_return;
  auto served_further = http::h2::serve(*channel, context, *std::move(first_bytes_of_http2));
  co_await std::move(served_further);
}

}  // namespace

struct Server::Impl {
  explicit Impl(const Settings& given)
      : settings(Publishing::keeping_history(given)),
        catalog(encoders(), settings.limits.catalog),
        usage(settings.limits.metrics),
        threads(io_threads_of(settings), settings.limits.http.connections + settings.limits.socket.connections) {
    guard.allowed_hosts = settings.allowed_hosts;
    guard.cors_origins = settings.cors_origins;
    guard.access = {.tokens = settings.tokens, .open_paths = {std::string(api::kOpenPath)}};
    auto& tokens = guard.access.tokens;
    tokens.insert(tokens.end(), settings.file_tokens.begin(), settings.file_tokens.end());
  }

  const Settings settings;
  SystemClock clock;
  SystemRandom random;
  std::optional<DataDir> data_dir;
  std::unique_ptr<Store> store;
  Catalog catalog;
  UsageHistory usage;
  SampleTable samples{remember_usage(catalog, usage, [this](const ServiceName& service) {
    if (publishing) publishing->metrics_changed(service.str());
  })};
  http::GuardRules guard;
  HttpTls tls;
  std::atomic<std::size_t> open_connections{0};
  std::atomic<std::size_t> open_socket_connections{0};
  net::IoThreads threads;
  net::IoExecutor registry_thread{"rollcall-reg"};
  net::IoExecutor store_thread{"rollcall-store"};
  NodeCard card;
  std::unique_ptr<Cluster> cluster;            // null where this daemon is alone
  std::function<void(http::Response&)> stamp;  // of the answers of one node among others
  std::optional<Registry> registry;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::unique_ptr<net::Listener> listener;
  std::shared_ptr<api::BoundLeases> bound;
  std::vector<std::unique_ptr<SocketLane>> socket_lanes;
  std::unique_ptr<net::Listener> socket_listener;  // null where the socket protocol isn't served
  std::unique_ptr<Probing> probing;
  std::unique_ptr<Docker> docker;  // null where no engine is followed
  std::unique_ptr<Checker> checker;
  std::shared_ptr<CheckFollower> check_follower;
  std::unique_ptr<Publishing> publishing;  // null where nothing is published
  bool checks = false;                     // as one of several nodes; the registry's thread

  Result<void> join_others() {
    if (settings.store != Settings::StoreKind::postgres) return {};
    auto offices = Probing::offices_of(settings);
    offices.emplace_back(kCheckOffice);
    for (auto& office : DockerDiscovery::offices_of(settings)) offices.push_back(std::move(office));
    if (!Publishing::outboxes_of(settings).empty()) offices.emplace_back(Publishing::kOffice);
    auto opened = Cluster::open(settings, card, std::move(offices), [this](const auto& held) { hold(held); }, clock);
    if (!opened) return std::unexpected(opened.error());
    cluster = std::move(*opened);
    stamp = [this](http::Response& response) {
      response.headers.push_back({"X-Rollcall-Node", card.name});
      response.headers.push_back(
          {"X-Rollcall-Lag", fmt::format("{:.3f}", std::chrono::duration<double>(registry->lag()).count())});
    };
    return {};
  }

  Result<void> open() {
    if (auto ok = tls.open(settings.tls); !ok) return ok;
    if (auto ok = open_listener(); !ok) return ok;
    card = card_of(settings, listener->endpoint());
    auto opened = open_store(settings, random, data_dir);
    if (!opened) return std::unexpected(opened.error());
    store = std::move(*opened);
    if (auto ok = join_others(); !ok) return ok;
    registry.emplace(Registry::Parts{.own = registry_thread,
                                     .store_executor = store_thread,
                                     .store = *store,
                                     .catalog = catalog,
                                     .turns = threads,
                                     .clock = clock,
                                     .random = random,
                                     .limits = settings.limits,
                                     .cluster = cluster ? &cluster->parts() : nullptr});
    if (auto ok = registry->load(); !ok) return ok;
    if (auto ok = open_docker(); !ok) return ok;
    if (auto ok = open_publishing(); !ok) return ok;
    for (std::size_t i = 0; i < threads.size(); ++i) add_lane(i);
    return settings.socket ? open_socket_listener(*settings.socket) : Result<void>();
  }

  ProviderParts provider_parts() { return {{*registry, registry_thread, samples, clock}, catalog}; }

  Result<void> open_docker() {
    auto opened = Docker::open(provider_parts(), settings, cluster != nullptr);
    if (!opened) return std::unexpected(opened.error());
    docker = *std::move(opened);
    return {};
  }

  Result<void> open_publishing() {
    const auto parts_for = [this](CatalogReader& reader, Executor& own) { return api_parts(reader, own); };
    auto opened = Publishing::open(settings, *store, {*registry, catalog, clock, parts_for});
    if (!opened) return std::unexpected(opened.error());
    publishing = std::move(*opened);
    return {};
  }

  /// For one thread, whose reader and executor these are.
  api::ApiParts api_parts(CatalogReader& reader, Executor& own) {
    api::ApiParts parts{
        .registry = *registry,
        .catalog = catalog,
        .reader = reader,
        .samples = samples,
        .usage = usage,
        .clock = clock,
        .own = own,
        .limits = settings.limits,
        .version = {.version = std::string(kVersion), .build = {}},
        .node = {.card = card, .store = std::string(name_of(settings.store))},
        .check_allowed = [this](const CheckSpec& check) { return check_allowed(check, settings.check_networks); },
        .add_metrics = [this](OwnMetrics& metrics) { add_metrics(metrics); },
        .parts_health = [this] { return parts_health(); },
        .publishers = [this] { return publishing ? publishing->publishers() : std::vector<api::PublisherInfo>{}; }};
    if (docker) docker->offer(parts);
    if (cluster) {
      parts.refresh_usage = [this](const ServiceName& service, auto done) { refresh_usage(service, std::move(done)); };
    }
    return parts;
  }

  /// One of the nodes can ask the engine.
  void refresh_usage(const ServiceName& service, SampleExchange::Done done) {
    if (docker && docker->follows()) return docker->refresh_usage(service, std::move(done));
    cluster->samples().order(service, std::move(done));
  }

  void exchange_samples() {
    cluster->exchange_samples(samples, catalog, settings.limits.cluster, [this](const auto& service, auto done) {
      if (docker && docker->follows()) docker->refresh_usage(service, std::move(done));
    });
  }

  void add_lane(std::size_t thread) {
    auto lane = std::make_unique<Lane>(threads.context(thread), catalog, clock, settings.limits.http, guard,
                                       open_connections, cluster ? &stamp : nullptr);
    lane->router = api::make_router(api_parts(lane->reader, lane->own));
    lanes.push_back(std::move(lane));
  }

  Result<void> open_listener() {
    auto opened = net::Listener::open(threads, settings.http, [this](asio::ip::tcp::socket socket, std::size_t thread) {
      const auto executor = socket.get_executor();
      asio::co_spawn(executor, serve_http(tls.make_channel(std::move(socket)), lanes[thread]->context), asio::detached);
    });
    if (!opened) return std::unexpected(opened.error());
    listener = std::move(*opened);
    say_who_may_ask(listener->endpoint(), guard.access.tokens.size(), tls.is_on() ? "https://" : "",
                    !settings.tls.client_ca.empty());
    return {};
  }

  Result<void> open_socket_listener(const asio::ip::tcp::endpoint& endpoint) {
    bound = std::make_shared<api::BoundLeases>(
        api::BoundLeases::Parts{.registry = *registry,
                                .catalog = catalog,
                                .timers = registry_thread,
                                .clock = clock,
                                .most_per_tie = settings.limits.socket.bound_per_connection});
    for (std::size_t i = 0; i < threads.size(); ++i) {
      const api::SocketParts parts{*registry, catalog, lanes[i]->reader, settings.limits, lanes[i]->own, clock, bound};
      socket_lanes.push_back(
          std::make_unique<SocketLane>(threads.context(i), clock, open_socket_connections, guard.access, parts));
    }
    auto opened = net::Listener::open(threads, endpoint, [this](asio::ip::tcp::socket socket, std::size_t thread) {
      const auto executor = socket.get_executor();
      asio::co_spawn(executor, socket::serve(std::move(socket), socket_lanes[thread]->context), asio::detached);
    });
    if (!opened) return std::unexpected(opened.error());
    socket_listener = std::move(*opened);
    if (guard.access.tokens.empty()) {
      say_who_may_ask(socket_listener->endpoint(), 0);
    } else {
      log::info("main", "listening on {}: asking for a token, but not on loopback",
                net::to_text(socket_listener->endpoint()));
    }
    return {};
  }

  [[nodiscard]] std::vector<api::PartHealth> parts_health() const {
    std::vector<api::PartHealth> parts;
    const auto add = [&parts](std::string name, std::string trouble) {
      const bool ok = trouble.empty();
      parts.push_back({.name = std::move(name), .ok = ok, .detail = std::move(trouble)});
    };
    if (probing) add("probe", probing->trouble());
    if (docker) parts.push_back(docker->health());
    if (cluster) {
      auto trouble = registry->cluster()->trouble;
      add("cluster", trouble.empty() ? cluster->samples().trouble() : std::move(trouble));
    }
    if (publishing) std::ranges::move(publishing->health(), std::back_inserter(parts));
    return parts;
  }

  void add_metrics(OwnMetrics& metrics) const {
    std::vector<const http::ServerStats*> stats;
    for (const auto& lane : lanes) stats.push_back(&lane->stats);
    add_http_metrics(metrics, stats);
    tls.add_metrics(metrics);
    add_socket_metrics(metrics, socket_lanes);
    if (docker) docker->add_metrics(metrics);
    add_usage_metrics(metrics, usage, clock.wall_now(), settings);
  }

  void start() {
    checker = make_checker({.networks = settings.check_networks}, clock,
                           [this](const InstanceId& id, Status health, Cause cause) {
                             registry->submit(SetHealth{id, health, std::move(cause)}, [](const Result<Outcome>&) {});
                           });
    check_follower = std::make_shared<CheckFollower>(catalog, *checker, registry_thread);
    if (settings.probe_enabled) {
      const bool own_view = cluster && settings.probe_each_node;
      probing = std::make_unique<Probing>(provider_parts(), settings.probe,
                                          cluster ? Probing::offices_of(settings) : std::vector<std::string>{},
                                          own_view ? card.name : std::string());
    }
    if (cluster) exchange_samples();
    registry_thread.post([this] {
      registry->start();
      if (!cluster) check_follower->start();
    });
    threads.start();
    listener->start();
    if (socket_listener) socket_listener->start();
    if (probing) probing->start();
    if (docker) docker->start();
    if (publishing && !cluster) publishing->hold(true);
  }

  /// On the registry's thread.
  void hold(const std::vector<std::string>& offices) {
    if (probing) probing->hold(offices);
    if (docker) docker->hold(offices);
    const auto holds = [&](std::string_view office) { return std::ranges::find(offices, office) != offices.end(); };
    if (publishing) publishing->hold(holds(Publishing::kOffice));
    const bool is_to_check = holds(kCheckOffice);
    if (is_to_check == checks) return;
    checks = is_to_check;
    checks ? check_follower->start() : check_follower->stop();
  }

  bool responds(std::chrono::milliseconds patience) {
    // What is left of it belongs to the last thread that answers, however late.
    struct Round {
      explicit Round(std::size_t threads) : missing(threads) {}
      std::atomic<std::size_t> missing;
      std::promise<void> all;
    };
    const auto round = std::make_shared<Round>(lanes.size() + 1);
    const auto answer = [round] {
      if (round->missing.fetch_sub(1) == 1) round->all.set_value();
    };
    auto all = round->all.get_future();
    for (std::size_t i = 0; i < lanes.size(); ++i) asio::post(threads.context(i), answer);
    registry_thread.post(answer);
    return all.wait_for(patience) == std::future_status::ready;
  }

  bool stop(std::chrono::milliseconds grace) {
    const MonoTime deadline = clock.now() + grace;
    const auto left = [&] {
      return std::max(std::chrono::milliseconds{0},
                      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock.now()));
    };
    listener->close();
    if (socket_listener) socket_listener->close();
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      asio::post(threads.context(i), [this, i] {
        lanes[i]->connections.drain();
        if (socket_listener) socket_lanes[i]->connections.drain();
      });
    }
    if (probing) probing->stop();
    if (docker) docker->stop();
    if (checker) checker->stop();
    if (publishing) publishing->stop();
    std::promise<void> drained;
    auto all_written = drained.get_future();
    registry->drain([&drained] { drained.set_value(); });
    bool clean = all_written.wait_for(left()) == std::future_status::ready;
    clean = threads.shutdown(left()) && clean;
    registry_thread.stop();
    store_thread.stop();
    if (cluster) cluster->stop();
    return clean;
  }
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(const Settings& settings) {
  auto impl = std::make_unique<Impl>(settings);
  if (auto ok = impl->open(); !ok) return std::unexpected(ok.error());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::string Server::ready_line() const {
  auto addresses = fmt::format(R"("http":"{}")", net::to_text(impl_->listener->endpoint()));
  if (impl_->socket_listener) {
    addresses += fmt::format(R"(,"socket":"{}")", net::to_text(impl_->socket_listener->endpoint()));
  }
  if (impl_->tls.is_on()) addresses += R"(,"tls":true)";
  return fmt::format(R"({{"ready":{{{}}}}})", addresses);
}

void Server::start() { impl_->start(); }
void Server::reload() { impl_->tls.reload(); }
bool Server::responds(std::chrono::milliseconds patience) { return impl_->responds(patience); }
bool Server::stop(std::chrono::milliseconds grace) { return impl_->stop(grace); }

}  // namespace rollcall
