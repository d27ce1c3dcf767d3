#include "publish/message_fold.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "codec/json.hpp"
#include "publish/payload.hpp"

namespace rollcall {
namespace {

Message message(const Event& event, std::string_view key, std::string_view members) {
  auto body = begin_body(key, event.at);
  body += ',';
  body += members;
  body += '}';
  return {.routing_key = std::string(key),
          .body = std::move(body),
          .id = message_id(event.revision.value, key),
          .at = event.at};
}

void append_cause(std::string& members, const Cause& cause) {
  members += ",\"cause\":{\"writer\":";
  codec::append_string(members, cause.writer);
  members += ",\"evidence\":";
  codec::append_string(members, cause.evidence);
  members += '}';
}

Message of_service(const Event& event, std::string_view key, const Service& service) {
  std::string members = "\"service\":{";
  codec::append_service_members(members, service);
  members += '}';
  append_cause(members, event.cause);
  return message(event, key, members);
}

/// The event took the last that there was of it: an instance, or what declared it.
Message of_removed_service(const Event& event) {
  const auto& [name, declares] = std::tie(event.instance->spec.service, event.instance->spec.declares);
  std::string members = "\"service_id\":";
  codec::append_string(members, declares ? std::string_view(declares->native_id) : name.view());
  members += ",\"service_name\":";
  codec::append_string(members, name.view());
  append_cause(members, event.cause);
  return message(event, "service.removed", members);
}

Message of_instance(const Event& event) {
  std::string shown;
  codec::append_event(shown, event);
  const std::string_view members = std::string_view(shown).substr(1, shown.size() - 2);
  return message(event, fmt::format("instance.{}", name_of(event.kind)), members);
}

/// What an event says of its service as a whole, which may have been there before, and be there after it; empty:
/// nothing. A declaration that says the same again carries somebody's remark.
std::string_view key_for(bool was_there, bool is_there, const Event& event) {
  if (!was_there && is_there) return "service.added";
  const bool declared_anew = event.instance->spec.declares && event.kind != EventKind::status_changed;
  return was_there && is_there && declared_anew ? "service.updated" : "";
}

}  // namespace

void MessageFold::start(std::span<const InstancePtr> state) {
  services_.clear();
  known_.clear();
  for (const auto& instance : state) {
    auto& service = tracked(instance->spec.service, instance->registered_at).service;
    service.created_at = std::min(service.created_at, instance->registered_at);
    service.updated_at = std::max({service.updated_at, instance->registered_at, instance->status_since});
    service.revision = std::max(service.revision, instance->modified);
    put(instance);
  }
}

void MessageFold::apply(const Event& event, std::vector<Message>& messages) {
  const Instance& instance = *event.instance;
  Tracked& of = tracked(instance.spec.service, event.at);
  const bool was_there = of.exists();
  take(instance);
  if (event.kind != EventKind::removed) put(event.instance);
  of.service.revision = event.revision;
  of.service.updated_at = event.at;
  if (const auto key = key_for(was_there, of.exists(), event); !key.empty()) {
    messages.push_back(of_service(event, key, of.service));
  }
  if (!instance.spec.declares) messages.push_back(of_instance(event));
  if (of.exists()) return;
  if (was_there) messages.push_back(of_removed_service(event));
  services_.erase(instance.spec.service.str());
}

MessageFold::Tracked& MessageFold::tracked(const ServiceName& name, WallTime at) {
  const auto [found, is_new] = services_.try_emplace(name.str());
  if (is_new) {
    found->second.service.name = name;
    found->second.service.created_at = at;
  }
  return found->second;
}

void MessageFold::put(const InstancePtr& instance) {
  const bool declares = instance->spec.declares.has_value();
  auto& of = services_.at(instance->spec.service.str());
  if (declares) {
    of.declarations.insert(std::ranges::upper_bound(of.declarations, instance->modified, {}, &Instance::modified),
                           instance);
    of.show_declaration();
  } else {
    ++count_of(of.service.counts, instance->status());
  }
  known_[instance->number] = {instance->spec.service.str(), instance->status(), declares};
}

void MessageFold::take(const Instance& instance) {
  const auto found = known_.find(instance.number);
  if (found == known_.end()) return;
  auto& of = services_.at(found->second.service);
  if (found->second.declares) {
    std::erase_if(of.declarations, [&](const InstancePtr& record) { return record->number == instance.number; });
    of.show_declaration();
  } else {
    --count_of(of.service.counts, found->second.status);
  }
  known_.erase(found);
}

void MessageFold::Tracked::show_declaration() {
  const auto* newest = declarations.empty() ? nullptr : declarations.back().get();
  service.declaration = newest == nullptr ? Rare<Declaration>() : newest->spec.declares;
  service.declared_by = newest == nullptr ? InstanceId() : newest->id;
}

Message gap_message(Revision position, Revision to, WallTime now) {
  auto body = begin_body("gap", now);
  fmt::format_to(std::back_inserter(body), ",\"from\":{},\"to\":{}}}", position.value + 1, to.value);
  return {.routing_key = "gap", .body = std::move(body), .id = message_id(to.value, "gap"), .at = now};
}

}  // namespace rollcall
