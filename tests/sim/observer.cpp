#include "observer.hpp"

#include <algorithm>

namespace rollcall::sim {
namespace {

const std::string kGone = "it is gone";
constexpr auto kListEvery = std::chrono::seconds(10);

}  // namespace

Observer::Observer(Node& node, Orchestrator& orchestrator, Registry& registry, Executor& registry_thread,
                   const Catalog& catalog)
    : orchestrator_(orchestrator),
      catalog_(catalog),
      thread_(node, "observer"),
      clock_(node.world.clock),
      sink_({registry, registry_thread, samples_, clock_}, Source::swarm) {
  orchestrator_.add(*this);
}

Observer::~Observer() {
  orchestrator_.remove(*this);
  thread_.clear();
}

void Observer::hold(const std::vector<std::string>& offices) {
  observe(std::ranges::find(offices, kObserversOffice) != offices.end());
}

void Observer::observe(bool wanted) {
  thread_.post([this, wanted] {
    if (wanted == ledger_.has_value()) return;
    ledger_.reset();
    if (!wanted) return sink_.forget();
    ledger_.emplace();
    list();
  });
}

/// Its predecessor's last word is what is in the catalog, or will be.
void Observer::list() {
  std::vector<InstancePtr> known;
  catalog_.for_each([&](const InstancePtr& instance) {
    if (instance->source == Source::swarm) known.push_back(instance);
  });
  ledger_->reconcile(known);
  for (const auto& service : orchestrator_.services()) report(service);
  ledger_->end_unclaimed(kGone, sink_);
  list_later();
}

void Observer::list_later() {
  const auto life = ++lists_;
  thread_.post_at(clock_.now() + kListEvery, [this, life] {
    if (ledger_ && lists_ == life) list();
  });
}

void Observer::changed(const std::string& service) {
  thread_.post([this, service] {
    if (ledger_) report(service);
  });
}

void Observer::report(const std::string& service) {
  ledger_->report(service, orchestrator_.sightings_of(service), kGone, sink_);
}

}  // namespace rollcall::sim
