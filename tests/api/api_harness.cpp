#include "api_harness.hpp"

#include <boost/asio/co_spawn.hpp>
#include <stdexcept>

#include "codec/json.hpp"
#include "store/memory/memory_store.hpp"
#include "support/forwarding_store.hpp"

namespace rollcall::api {
namespace {

constexpr std::chrono::milliseconds kStep{50};  // as often as a daemon would look
constexpr int kMostRounds = 10'000;

Encoders encoders() {
  return {[](const Instance& instance, std::string& out) { codec::append_instance(out, instance); },
          [](const Service& service, std::string& out) { codec::append_service_members(out, service); },
          [](const Event& event, std::string& out) { codec::append_event(out, event); }};
}

Reply reply_of(const http::Response& response) {
  return {response.status,       response.body.str(), std::string(response.content_type),
          response.etag,         response.location,   std::string(response.allow),
          response.retry_after_s};
}

}  // namespace

Executor::TimerId HandExecutor::post_at(MonoTime when, Task task) {
  timers_.emplace(std::pair{when, ++last_timer_}, std::move(task));
  return TimerId{last_timer_};
}

void HandExecutor::cancel(TimerId timer) {
  std::erase_if(timers_, [timer](const auto& entry) { return TimerId{entry.first.second} == timer; });
}

bool HandExecutor::run_ready() {
  while (!timers_.empty() && timers_.begin()->first.first <= clock_.now()) {
    tasks_.push_back(std::move(timers_.begin()->second));
    timers_.erase(timers_.begin());
  }
  if (tasks_.empty()) return false;
  auto task = std::move(tasks_.front());
  tasks_.pop_front();
  task();
  return true;
}

/// Refuses writes where told to.
class ApiHarness::FailingStore final : public testing::ForwardingStore {
 public:
  explicit FailingStore(std::unique_ptr<Store> engine) : ForwardingStore(*engine), engine_(std::move(engine)) {}
  bool failing = false;

  Result<CommitResult> commit(const ChangeBatch& batch) override {
    if (failing) return fail(ErrorCode::unavailable, "the disk is full");
    return engine_->commit(batch);
  }

 private:
  std::unique_ptr<Store> engine_;
};

ApiHarness::ApiHarness(Limits limits, DiscoveryHooks hooks)
    : limits_(limits),
      store_(std::make_unique<FailingStore>(make_memory_store(make_memory_log(), limits_.store))),
      catalog_(std::make_unique<Catalog>(encoders(), limits_.catalog)),
      reader_(std::make_unique<CatalogReader>(*catalog_)),
      registry_(std::make_unique<Registry>(
          Registry::Parts{own_, store_executor_, *store_, *catalog_, turns_, clock_, random_, limits_})),
      usage_(limits_.metrics),
      router_(make_router({*registry_,
                           *catalog_,
                           *reader_,
                           samples_,
                           usage_,
                           clock_,
                           lane_,
                           limits_,
                           {"9.9.9", ""},
                           {{"here", "http://127.0.0.1:5001", "9.9.9"}, "memory"},
                           [](const CheckSpec& check) -> Result<void> {
                             if (check.target.starts_with("10.")) return {};
                             return fail(ErrorCode::forbidden, "is outside the networks that may be checked", "check");
                           },
                           {},
                           {},
                           std::move(hooks.state),
                           std::move(hooks.refresh),
                           std::move(hooks.refresh_usage)})) {
  if (const auto loaded = registry_->load(); !loaded) throw std::runtime_error(loaded.error().message);
  own_.post([this] { registry_->start(); });
  settle();
}

ApiHarness::~ApiHarness() = default;

void ApiHarness::remember(const InstanceId& id, const Sample& sample) {
  const auto instance = catalog_->find_instance(id.view());
  if (const auto used = usage_in(sample); used && instance) {
    usage_.add(instance->spec.service, id, {sample.last_seen, *used});
  }
}

void ApiHarness::settle() {
  for (int i = 0; i < kMostRounds; ++i) {
    const bool own = own_.run_ready();
    const bool store = store_executor_.run_ready();
    const bool lane = lane_.run_ready();
    io_.restart();
    if (io_.poll() == 0 && !own && !store && !lane) return;
  }
  throw std::runtime_error("the daemon doesn't come to rest");
}

Reply ApiHarness::ask(http::Method method, std::string_view target, std::string_view body, std::string_view accept) {
  http::Request request;
  request.method = method;
  request.path = target.substr(0, target.find('?'));
  if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
  request.body = body;
  request.accept = accept;
  request.peer_address = "10.9.9.9";
  auto matched = router_.match(request);
  if (auto* refusal = std::get_if<http::Response>(&matched)) return reply_of(*refusal);
  const auto& handler = *std::get<const http::Handler*>(matched);
  if (const auto* sync = std::get_if<http::SyncHandler>(&handler)) return reply_of((*sync)(request));
  auto answer = std::get<http::HybridHandler>(handler)(request);
  if (auto* ready = std::get_if<http::Response>(&answer)) return reply_of(*ready);
  std::optional<http::Response> later;
  boost::asio::co_spawn(io_, std::get<boost::asio::awaitable<http::Response>>(std::move(answer)),
                        [&later](const std::exception_ptr& error, http::Response response) {
                          if (error) std::rethrow_exception(error);
                          later = std::move(response);
                        });
  settle();
  if (!later) throw std::runtime_error("no answer came");
  return reply_of(*later);
}

http::Answer ApiHarness::ask_raw(std::string_view target, std::string_view last_event_id) {
  http::Request request;
  request.path = target.substr(0, target.find('?'));
  if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
  request.last_event_id = last_event_id;
  const auto matched = router_.match(request);
  const auto& handler = *std::get<const http::Handler*>(matched);
  if (const auto* sync = std::get_if<http::SyncHandler>(&handler)) return (*sync)(request);
  return std::get<http::HybridHandler>(handler)(request);
}

void ApiHarness::observe(Observe sighting) {
  registry_->submit(std::move(sighting), [](const Result<Outcome>& outcome) {
    if (!outcome) throw std::runtime_error(outcome.error().message);
  });
  settle();
}

void ApiHarness::advance(std::chrono::milliseconds by) {
  for (; by.count() > 0; by -= kStep) {
    clock_.advance(std::min(by, kStep));
    settle();
  }
}

void ApiHarness::fail_writes(bool failing) { store_->failing = failing; }

}  // namespace rollcall::api
