#include "catalog/catalog.hpp"

#include <algorithm>
#include <utility>

#include "catalog/catalog_impl.hpp"

namespace rollcall {

ServiceState& Catalog::Impl::state_of(const ServiceName& name) {
  if (const auto found = services.find(name.view()); found != services.end()) return *found->second;
  auto state = std::make_unique<ServiceState>(name, slots->add(name.view()));
  return *services.emplace(name.str(), std::move(state)).first->second;
}

void Catalog::Impl::mark(ServiceState& state) {
  if (std::exchange(state.touched, true)) return;
  touched.push_back(&state);
}

void Catalog::Impl::put(ServiceState& state, const InstancePtr& instance) {
  if (instance->spec.declares) {
    state.declare(instance);
    index.put(instance, ServiceState::kNowhere);
  } else {
    index.put(instance, state.add(scratch, encoders, *instance));
  }
}

void Catalog::Impl::leave(const InstanceIndex::Living& before) {
  auto& state = state_of(before.instance->spec.service);
  if (before.instance->spec.declares) {
    state.withdraw(before.instance->id);
  } else {
    state.remove(before.position, before.instance->status());
  }
  mark(state);
}

void Catalog::Impl::apply_one(const Event& event) {
  const auto& instance = event.instance;
  const bool is_instance = !instance->spec.declares;
  auto& state = state_of(instance->spec.service);
  state.touch(event.revision, event.at);
  mark(state);
  const auto* before = index.living(instance->id.view());
  const bool stays = before != nullptr && event.kind != EventKind::removed && is_instance &&
                     !before->instance->spec.declares && before->instance->spec.service == instance->spec.service;
  if (stays) {
    const auto place = before->position;
    state.replace(place, before->instance->status(), scratch, encoders, *instance);
    index.put(instance, place);
    return;
  }
  if (before != nullptr) leave(*before);
  if (event.kind == EventKind::removed) {
    index.bury(instance, event.at);
  } else {
    put(state, instance);
  }
}

void Catalog::Impl::flush_touched() {
  for (auto* state : touched) state->flush(scratch);
  scratch.clear();
}

void Catalog::Impl::publish_touched(Revision newest) {
  flush_touched();
  for (auto* state : touched) {
    state->touched = false;
    const auto view = state->publish(encoders);
    directory.show(*state, view.get());
    if (state->empty() && !std::exchange(state->listed_as_empty, true)) {
      emptied.push_back(state->service().name.str());
    }
  }
  touched.clear();
  directory.publish(slots->directory, newest);
  revision.store(newest.value, std::memory_order_release);
}

void Catalog::Impl::retire(const std::string& name) {
  slots->retire(name);
  services.erase(name);
}

Catalog::Catalog(Encoders encoders, const CatalogLimits& limits)
    : impl_(std::make_unique<Impl>(std::move(encoders), limits)) {
  impl_->directory.publish(impl_->slots->directory, {});
}
Catalog::~Catalog() = default;

void Catalog::apply(std::span<const EventPtr> events) {
  std::vector<WatchHub::Step> steps;
  steps.reserve(events.size());
  auto newest = revision();
  for (const auto& event : events) {
    if (event->revision <= newest) continue;  // a log read again after an unknown outcome starts with what is known
    newest = event->revision;
    const auto found = impl_->services.find(event->instance->spec.service.view());
    const auto* before = impl_->index.living(event->instance->id.view());
    steps.push_back({.notice = std::make_shared<const Notice>(event, before != nullptr ? before->instance : nullptr,
                                                              impl_->encoders.event),
                     .service_before = std::nullopt});
    if (found != impl_->services.end()) steps.back().service_before = found->second->service().revision;
    impl_->apply_one(*event);
  }
  if (steps.empty()) return;
  impl_->publish_touched(newest);
  impl_->hub->add(steps);
}

void Catalog::forget_tombstones(WallTime cutoff) {
  impl_->index.forget_buried(cutoff);
  std::erase_if(impl_->emptied, [&](const std::string& name) {
    auto& state = *impl_->services.find(name)->second;
    if (state.empty() && state.service().updated_at >= cutoff) return false;
    state.listed_as_empty = false;
    if (state.empty()) impl_->retire(name);
    return true;
  });
}

void Catalog::for_each(const std::function<void(const InstancePtr&)>& visit) const { impl_->index.for_each(visit); }

Revision Catalog::revision() const noexcept { return {impl_->revision.load(std::memory_order_acquire)}; }
Generation Catalog::generation() const noexcept { return {impl_->generation.load(std::memory_order_acquire)}; }
Notice::EncodeEvent Catalog::event_encoder() const noexcept { return impl_->encoders.event; }
InstancePtr Catalog::find_instance(std::string_view id) const { return impl_->index.find(id); }
std::optional<Known> Catalog::known(std::string_view id) const { return impl_->index.known(id); }

}  // namespace rollcall
