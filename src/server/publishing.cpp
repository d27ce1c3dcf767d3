#include "server/publishing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "catalog/encoded_list.hpp"

namespace rollcall {

std::vector<std::string> Publishing::outboxes_of(const Settings& settings) {
  std::vector<std::string> names;
  if (!settings.rabbitmq.url.empty()) names.emplace_back(api::kRabbitMq);
  if (!settings.webhook.url.empty()) names.emplace_back(api::kWebhook);
  return names;
}

Settings Publishing::keeping_history(Settings settings) {
  settings.limits.store.outboxes = outboxes_of(settings);
  return settings;
}

Result<std::unique_ptr<Publishing>> Publishing::open(const Settings& settings, Store& store, const Parts& parts) {
  const auto outboxes = outboxes_of(settings);
  if (outboxes.empty()) return nullptr;
  for (const auto& outbox : outboxes) {
    if (parts.catalog.revision()) break;
    if (auto begun = begin_empty_log(store, outbox); !begun) return std::unexpected(std::move(begun.error()));
  }
  std::unique_ptr<Publishing> publishing(new Publishing(parts));
  if (!settings.rabbitmq.url.empty()) {
    auto made = make_rabbitmq_publisher(settings.rabbitmq);
    if (!made) return std::unexpected(std::move(made.error()));
    publishing->add(settings, std::string(api::kRabbitMq), settings.rabbitmq.exchange, std::move(*made));
  }
  if (!settings.webhook.url.empty()) {
    auto made = make_webhook_publisher(settings.webhook, parts.clock, settings.limits.publish.webhook_timeout);
    if (!made) return std::unexpected(std::move(made.error()));
    publishing->add(settings, std::string(api::kWebhook), {}, std::move(*made));
  }
  publishing->thread_.post([self = publishing.get()] { self->watch(); });
  return publishing;
}

Publishing::Publishing(const Parts& parts) : parts_(parts), reader_(parts.catalog) {}

Publishing::~Publishing() { stop(); }

void Publishing::add(const Settings& settings, std::string name, std::string exchange,
                     std::unique_ptr<Publisher> publisher) {
  auto thread = std::make_unique<net::IoExecutor>("rollcall-" + name.substr(0, 6));
  auto outbox = std::make_shared<Outbox>(
      Outbox::Parts{.name = name,
                    .own = thread_,
                    .publishing = *thread,
                    .publisher = *publisher,
                    .with_store = [this](auto work) { parts_.registry.with_store(std::move(work)); },
                    .clock = parts_.clock,
                    .limits = settings.limits.publish,
                    .latest = latest()});
  ways_.push_back({std::move(name), std::move(exchange), std::move(publisher), std::move(thread), std::move(outbox)});
}

LatestSources Publishing::latest() {
  return {.services = [this] { return list_services(); },
          .metrics =
              [this](std::string_view service) { return api::metrics_of(parts_.api_parts(reader_, thread_), service); },
          .health = [this] { return api::health_json(parts_.api_parts(reader_, thread_)); }};
}

std::string Publishing::list_services() {
  const auto view = reader_.directory();
  auto members = fmt::format("\"services_count\":{},\"services\":[", view->services);
  view->entries->for_each_chunk([&members](std::string_view bytes) { members += bytes; });
  return members + "]";
}

void Publishing::hold(bool office) {
  for (const auto& way : ways_) office ? way.outbox->start() : way.outbox->stop();
}

void Publishing::watch() {
  watcher_ = std::make_unique<Watcher>(parts_.catalog, std::nullopt, parts_.catalog.revision(),
                                       [this] { thread_.post([this] { follow(); }); });
}

/// The Store is what is read: here counts that there is something.
void Publishing::follow() {
  constexpr std::size_t kEvents = 1024;
  for (std::size_t taken = kEvents; taken == kEvents;) {
    const auto notices = watcher_->next(kEvents);
    if (!notices) watch();
    taken = notices ? notices->size() : 0;
  }
  for (const auto& way : ways_) way.outbox->grown();
}

void Publishing::metrics_changed(const std::string& service) {
  for (const auto& way : ways_) way.outbox->metrics_changed(service);
}

void Publishing::stop() {
  if (std::exchange(stopped_, true)) return;
  hold(false);
  for (const auto& way : ways_) way.thread->stop();
  thread_.post([this] { watcher_ = nullptr; });
  thread_.stop();
}

api::PublisherInfo Publishing::info_of(const Way& way) const {
  const auto view = way.outbox->view();
  const auto newest = parts_.catalog.revision();
  const bool lags = view.active && newest > view.confirmed;
  const auto age = lags && view.oldest ? parts_.clock.wall_now() - *view.oldest : std::chrono::milliseconds{0};
  return {.name = way.name,
          .active = view.active,
          .connected = way.publisher->health().connected,
          .lag_events = lags ? newest.value - view.confirmed.value : 0,
          .lag_seconds = std::chrono::duration<double>(std::max(age, std::chrono::milliseconds{0})).count(),
          .messages = view.messages,
          .failures = view.failures,
          .gaps = view.gaps,
          .exchange = way.exchange};
}

std::vector<api::PublisherInfo> Publishing::publishers() const {
  std::vector<api::PublisherInfo> infos;
  for (const auto& way : ways_) infos.push_back(info_of(way));
  return infos;
}

std::vector<api::PartHealth> Publishing::health() const {
  std::vector<api::PartHealth> parts;
  for (const auto& way : ways_) {
    auto trouble = way.publisher->health().trouble;
    const bool ok = trouble.empty();
    parts.push_back({.name = way.name, .ok = ok, .detail = std::move(trouble)});
  }
  return parts;
}

}  // namespace rollcall
