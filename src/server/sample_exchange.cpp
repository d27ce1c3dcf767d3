#include "server/sample_exchange.hpp"

#include <algorithm>
#include <ranges>
#include <set>

#include "base/log.hpp"
#include "metrics/usage_history.hpp"

namespace rollcall {
namespace {

/// After so many exchanges samples of what is gone are looked for.
constexpr std::size_t kSweepEach = 60;

/// What an engine can be asked about.
bool is_sampled_on_demand(const Instance& instance) {
  if (instance.spec.declares) return false;
  return (instance.source == Source::swarm || instance.source == Source::docker) && is_running(instance);
}

}  // namespace

void SampleExchange::start() {
  parts_.samples.keep_news();
  parts_.thread.post([this] {
    exchange();
    exchange_later();
  });
}

void SampleExchange::exchange_later() {
  parts_.thread.post_at(parts_.clock.now() + parts_.limits.sample_interval, [this] {
    exchange();
    exchange_later();
  });
}

void SampleExchange::order(ServiceName service, Done done) {
  parts_.thread.post([this, service = std::move(service), done = std::move(done)]() mutable {
    auto awaited = awaited_of(service);
    if (awaited.empty()) return done(false);
    orders_.push_back({.service = std::move(service),
                       .awaited = std::move(awaited),
                       .begun = parts_.clock.wall_now(),
                       .until = parts_.clock.now() + parts_.limits.sample_patience,
                       .done = std::move(done)});
    exchange();
  });
}

std::vector<InstanceId> SampleExchange::awaited_of(const ServiceName& service) const {
  std::vector<InstanceId> awaited;
  parts_.catalog.for_each([&](const InstancePtr& instance) {
    if (instance->spec.service == service && is_sampled_on_demand(*instance)) awaited.push_back(instance->id);
  });
  return awaited;
}

SampleNews SampleExchange::news_to_tell() {
  SampleNews news{.samples = parts_.samples.take_news()};
  for (const auto& order : orders_) {
    if (!order.told) news.wanted.push_back(order.service);
  }
  return news;
}

void SampleExchange::exchange() {
  const auto news = news_to_tell();
  const auto heard = parts_.board.exchange(news);
  note(heard);
  if (heard) {
    for (auto& order : orders_) order.told = true;
    hear(*heard);
  } else {
    parts_.samples.give_back(news.samples);
  }
  end_orders();
  if (++exchanges_ % kSweepEach == 0) {
    parts_.samples.erase_unless(
        [this](const InstanceId& id) { return parts_.catalog.find_instance(id.view()) != nullptr; });
  }
}

void SampleExchange::hear(const std::vector<SampleNews>& heard) {
  std::set<ServiceName> wanted;  // once, however many wait
  for (const auto& news : heard) {
    wanted.insert(news.wanted.begin(), news.wanted.end());
    for (const auto& one : news.samples) {
      if (!parts_.catalog.find_instance(one.id.view())) continue;
      parts_.samples.put_heard(one.id, one.sample);
      settle(one);
    }
  }
  for (const auto& service : wanted) {
    parts_.take(service, [this](bool) { parts_.thread.post([this] { exchange(); }); });
  }
}

void SampleExchange::settle(const InstanceSample& news) {
  for (auto& order : orders_) {
    if (news.sample.last_seen < order.begun) continue;
    order.any = std::erase(order.awaited, news.id) != 0 || order.any;
  }
}

void SampleExchange::end_orders() {
  const auto now = parts_.clock.now();
  const auto ended = std::ranges::partition(
      orders_, [now](const Order& order) { return !order.awaited.empty() && order.until > now; });
  for (auto& order : ended) order.done(order.any);
  orders_.erase(ended.begin(), ended.end());
}

void SampleExchange::note(const Result<std::vector<SampleNews>>& heard) {
  const std::scoped_lock lock(mutex_);
  if (heard && !trouble_.empty()) log::info("cluster", "samples are exchanged with the other nodes again");
  if (!heard && trouble_.empty()) log::error("cluster", "samples aren't exchanged: {}", heard.error().message);
  trouble_ = heard ? std::string() : "samples aren't exchanged: " + heard.error().message;
}

std::string SampleExchange::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

}  // namespace rollcall
