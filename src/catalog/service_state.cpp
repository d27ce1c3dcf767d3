#include "catalog/service_state.hpp"

#include <algorithm>
#include <boost/smart_ptr/make_shared.hpp>
#include <utility>

namespace rollcall {
namespace {

constexpr std::size_t kScratchKept = std::size_t{1} << 20;
constexpr std::size_t kEditsKept = 64;

}  // namespace

Scratch::Range Scratch::add(const Encoders& encoders, const Instance& instance) {
  Range range{.json_begin = bytes_.size(), .facts_begin = 0, .end = 0};
  encoders.instance(instance, bytes_);
  range.facts_begin = bytes_.size();
  append_facts(bytes_, instance.status(), instance.source, instance.spec.tags);
  range.end = bytes_.size();
  return range;
}

Piece Scratch::piece(const Range& range) const {
  const std::string_view bytes = bytes_;
  return {.json = bytes.substr(range.json_begin, range.facts_begin - range.json_begin),
          .facts = bytes.substr(range.facts_begin, range.end - range.facts_begin)};
}

void Scratch::clear() {
  if (bytes_.capacity() > kScratchKept) {
    bytes_ = {};
  } else {
    bytes_.clear();
  }
}

ServiceState::ServiceState(ServiceName name, std::shared_ptr<ServiceSlot> slot)
    : slot_(std::move(slot)), list_(EncodedList::make()) {
  service_.name = std::move(name);
}

std::uint32_t ServiceState::add(Scratch& scratch, const Encoders& encoders, const Instance& instance) {
  std::uint32_t place = next_place_;
  if (free_places_.empty()) {
    ++next_place_;
  } else {
    place = free_places_.back();
    free_places_.pop_back();
  }
  ++count_of(service_.counts, instance.status());
  edit(place, false, scratch.add(encoders, instance));
  return place;
}

void ServiceState::replace(std::uint32_t place, Status old_status, Scratch& scratch, const Encoders& encoders,
                           const Instance& instance) {
  --count_of(service_.counts, old_status);
  ++count_of(service_.counts, instance.status());
  edit(place, false, scratch.add(encoders, instance));
}

void ServiceState::remove(std::uint32_t place, Status old_status) {
  --count_of(service_.counts, old_status);
  free_places_.push_back(place);
  edit(place, true, {});
}

void ServiceState::declare(const InstancePtr& record) {
  std::erase_if(declarations_, [&](const InstancePtr& earlier) { return earlier->id == record->id; });
  const auto place = std::ranges::upper_bound(declarations_, record->modified, {}, &Instance::modified);
  declarations_.insert(place, record);
  show_declaration();
}

void ServiceState::withdraw(const InstanceId& id) {
  std::erase_if(declarations_, [&](const InstancePtr& record) { return record->id == id; });
  show_declaration();
}

void ServiceState::show_declaration() {
  const auto* newest = declarations_.empty() ? nullptr : declarations_.back().get();
  service_.declaration = newest == nullptr ? Rare<Declaration>() : newest->spec.declares;
  service_.declared_by = newest == nullptr ? InstanceId() : newest->id;
}

void ServiceState::edit(std::uint32_t place, bool hole, Scratch::Range bytes) {
  const auto turn = static_cast<std::uint32_t>(edits_.size());
  edits_.push_back({.place = place, .turn = turn, .hole = hole, .bytes = bytes});
}

void ServiceState::touch(Revision revision, WallTime at) {
  if (directory_place == kNowhere && !touched) service_.created_at = at;
  service_.revision = revision;
  service_.updated_at = at;
}

void ServiceState::learn(Revision revision, WallTime first, WallTime last) {
  const bool new_here = service_.created_at == WallTime{};
  service_.created_at = new_here ? first : std::min(service_.created_at, first);
  service_.updated_at = std::max(service_.updated_at, last);
  service_.revision = std::max(service_.revision, revision);
}

void ServiceState::flush(const Scratch& scratch) {
  // The last edit of a place is the one that counts.
  std::ranges::sort(edits_, {}, [](const Edit& e) { return std::pair(e.place, e.turn); });
  std::vector<EncodedList::Replacement> replacements;
  replacements.reserve(edits_.size());
  for (const auto& edit : edits_) {
    const auto piece = edit.hole ? Piece{} : scratch.piece(edit.bytes);
    if (!replacements.empty() && replacements.back().index == edit.place) {
      replacements.back().piece = piece;
    } else {
      replacements.push_back({.index = edit.place, .piece = piece});
    }
  }
  edits_.clear();
  if (edits_.capacity() > kEditsKept) edits_.shrink_to_fit();
  if (!replacements.empty()) list_ = list_->edited(replacements);
}

boost::shared_ptr<const ServiceView> ServiceState::publish(const Encoders& encoders) {
  boost::shared_ptr<ServiceView> view;
  if (empty()) {
    list_ = EncodedList::make();
    free_places_ = {};
    next_place_ = 0;
  } else {
    view = boost::make_shared<ServiceView>();
    view->service = service_;
    view->instances = list_;
    encoders.service(service_, view->entry_json);
  }
  slot_->last_revision.store(service_.revision.value, std::memory_order_release);
  slot_->views.publish(view);
  return view;
}

void ServiceState::clear(bool forget_past) {
  service_.counts = {};
  service_.created_at = {};
  service_.updated_at = {};
  if (forget_past) service_.revision = {};
  list_ = EncodedList::make();
  free_places_ = {};
  next_place_ = 0;
  edits_.clear();
  declarations_.clear();
  show_declaration();
  directory_place = kNowhere;
  first_created = {};
}

}  // namespace rollcall
