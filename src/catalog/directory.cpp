#include "catalog/directory.hpp"

#include <boost/smart_ptr/make_shared.hpp>
#include <utility>

namespace rollcall {
namespace {

/// Gaps keep the order; they are closed when they are more than this and more than the services.
constexpr std::size_t kGapsLeft = 64;

}  // namespace

void Directory::show(ServiceState& state, const ServiceView* view) {
  if (view == nullptr && state.directory_place == ServiceState::kNowhere) return;
  if (state.directory_place == ServiceState::kNowhere) {
    state.directory_place = static_cast<std::uint32_t>(at_place_.size());
    at_place_.push_back(&state);
    instances_at_.push_back(0);
    ++services_;
  }
  const auto place = state.directory_place;
  const auto total = view == nullptr ? 0 : view->service.counts.total();
  instances_ = instances_ - instances_at_[place] + total;
  instances_at_[place] = total;
  auto& json = edits_[place];
  json.clear();
  if (view != nullptr) {
    json.reserve(view->entry_json.size() + 2);
    json.append("{").append(view->entry_json).append("}");
    return;
  }
  state.directory_place = ServiceState::kNowhere;
  at_place_[place] = nullptr;
  --services_;
}

void Directory::publish(Published<DirectoryView>& to, Revision revision) {
  std::vector<EncodedList::Replacement> replacements;
  replacements.reserve(edits_.size());
  for (const auto& [place, json] : edits_) replacements.push_back({.index = place, .piece = {json, {}}});
  if (!replacements.empty()) entries_ = entries_->edited(replacements);
  edits_.clear();
  const auto gaps = at_place_.size() - services_;
  if (gaps > kGapsLeft && gaps > services_) close_gaps();
  auto view = boost::make_shared<DirectoryView>();
  view->revision = revision;
  view->services = services_;
  view->instances = instances_;
  view->entries = entries_;
  to.publish(std::move(view));
}

void Directory::clear() {
  entries_ = EncodedList::make();
  at_place_.clear();
  instances_at_.clear();
  edits_.clear();
  services_ = instances_ = 0;
}

void Directory::close_gaps() {
  std::vector<EncodedList::Replacement> pieces;
  pieces.reserve(services_);
  std::uint32_t to = 0;
  for (std::uint32_t from = 0; from < at_place_.size(); ++from) {
    auto* state = at_place_[from];
    if (state == nullptr) continue;
    pieces.push_back({.index = to, .piece = entries_->piece(from)});
    at_place_[to] = state;
    instances_at_[to] = instances_at_[from];
    state->directory_place = to++;
  }
  at_place_.resize(to);
  instances_at_.resize(to);
  entries_ = EncodedList::make()->edited(pieces);
}

}  // namespace rollcall
