#include "server/discovery.hpp"

namespace rollcall {

void CheckFollower::start() {
  catalog_.for_each([this](const InstancePtr& instance) {
    if (instance->spec.check) checker_.update(instance);
  });
  watch();
}

void CheckFollower::stop() {
  watcher_ = nullptr;
  catalog_.for_each([this](const InstancePtr& instance) { checker_.remove(instance->id); });
}

void CheckFollower::watch() {
  watcher_ = std::make_unique<Watcher>(catalog_, std::nullopt, catalog_.revision(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self) self->executor_.post([self] { self->follow(); });
  });
}

void CheckFollower::follow() {
  if (!watcher_) return;
  constexpr std::size_t kEvents = 1024;
  for (;;) {
    const auto notices = watcher_->next(kEvents);
    if (!notices) return start();  // too far behind, or another log: what is there now counts
    for (const auto& notice : *notices) {
      const auto& event = notice->event;
      if (event->kind == EventKind::removed) {
        checker_.remove(event->instance->id);
      } else {
        checker_.update(event->instance);
      }
    }
    if (notices->size() < kEvents) return;
  }
}

SampleTable::Hear remember_usage(const Catalog& catalog, UsageHistory& usage,
                                 std::function<void(const ServiceName&)> heard) {
  return [&catalog, &usage, heard = std::move(heard)](const InstanceId& id, const Sample& sample) {
    const auto used = usage_in(sample);
    if (!used) return;
    const auto instance = catalog.find_instance(id.view());
    if (!instance) return;
    usage.add(instance->spec.service, id, {sample.last_seen, *used});
    heard(instance->spec.service);
  };
}

std::vector<InstancePtr> instances_of(const Catalog& catalog, Source source) {
  std::vector<InstancePtr> found;
  catalog.for_each([&](const InstancePtr& instance) {
    if (instance->source == source) found.push_back(instance);
  });
  return found;
}

}  // namespace rollcall
