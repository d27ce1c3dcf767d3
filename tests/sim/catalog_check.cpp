#include "catalog_check.hpp"

#include <algorithm>

#include "catalog/encoded_list.hpp"

namespace rollcall::sim {
namespace {

/// The pieces of a list, in whatever order it has them.
std::multiset<std::string> pieces_of(const EncodedList& list) {
  std::string bytes;
  list.for_each_chunk([&bytes](std::string_view chunk) { bytes += chunk; });
  std::multiset<std::string> pieces;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const auto end = std::min(bytes.find(',', begin), bytes.size());
    pieces.insert(bytes.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

}  // namespace

void CatalogCheck::begin(Process& process) {
  process_ = &process;
  reader_ = std::make_unique<CatalogReader>(process.catalog());
}

void CatalogCheck::end() {
  reader_.reset();
  process_ = nullptr;
}

void CatalogCheck::advance() {
  const Revision to = process_->catalog().revision();
  if (to < reached_) {
    world_.verdict.broken("the catalog goes forward", "from {} to {}", reached_.value, to.value);
    return;
  }
  for (const auto& event : log_.after(reached_)) {
    if (event->revision > to) break;
    services_.insert(event->instance->spec.service.str());
    if (event->kind == EventKind::removed) {
      state_.erase(event->instance->id.str());
    } else {
      state_[event->instance->id.str()] = event->instance;
    }
  }
  reached_ = to;
}

void CatalogCheck::check() {
  if (process_ == nullptr) return;
  advance();
  check_instances();
  check_views();
}

void CatalogCheck::check_instances() {
  std::size_t seen = 0;
  process_->catalog().for_each([&](const InstancePtr& instance) {
    ++seen;
    const auto expected = state_.find(instance->id.view());
    if (expected == state_.end() || expected->second->modified != instance->modified) {
      world_.verdict.broken("the catalog is the fold of the log", "{} at {}", instance->id.view(),
                            instance->modified.value);
    }
  });
  if (seen != state_.size()) {
    world_.verdict.broken("the catalog is the fold of the log", "{} instances instead of {} at {}", seen, state_.size(),
                          reached_.value);
  }
}

void CatalogCheck::check_views() {
  for (const auto& service : services_) {
    std::multiset<std::string> expected;
    InstancePtr record;  // the newest that declares the service
    for (const auto& [id, instance] : state_) {
      if (instance->spec.service.view() != service) continue;
      if (!instance->spec.declares) {
        expected.insert(fmt::format("{}@{}", id, instance->modified.value));
      } else if (!record || record->modified < instance->modified) {
        record = instance;
      }
    }
    const auto view = reader_->find(service);
    const auto shown = view ? pieces_of(*view->instances) : std::multiset<std::string>{};
    if (shown != expected || (view && view->service.counts.total() != expected.size())) {
      world_.verdict.broken("a view shows what is there", "\"{}\" at {}: {} shown, {} there", service, reached_.value,
                            shown.size(), expected.size());
    }
    const auto declared = record ? record->spec.declares : Rare<Declaration>();
    if (record ? !view || view->service.declaration != declared : view && view->service.declaration) {
      world_.verdict.broken("a view shows what is declared", "\"{}\" at {}", service, reached_.value);
    }
  }
}

}  // namespace rollcall::sim
