// CatalogReader: what one thread keeps of the published views.
#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>

#include "catalog/catalog_impl.hpp"

namespace rollcall {
namespace {

/// Names not found, remembered so that asking again takes no lock. Forgotten together when there are more.
constexpr std::size_t kUnknownNamesMost = 1024;

/// Views that changed since this thread read them are dropped every so many reads, and no more often than in proportion
/// to their number.
constexpr std::size_t kReadsPerSweepLeast = 4096;
constexpr std::size_t kReadsPerSweepPerEntry = 8;

template <class View>
struct Held {
  std::uint64_t version = 0;
  boost::local_shared_ptr<const View> view;

  void refresh(const Published<View>& from) {
    auto read = from.read();
    version = read.version;
    view = read.view ? boost::local_shared_ptr<const View>(std::move(read.view)) : nullptr;
  }
  [[nodiscard]] bool stale(const Published<View>& against) const noexcept { return against.version() != version; }
};

struct HeldService {
  std::shared_ptr<const ServiceSlot> slot;
  Held<ServiceView> held;
};

}  // namespace

struct CatalogReader::Impl {
  explicit Impl(std::shared_ptr<const SlotTable> table) : slots(std::move(table)) {}

  /// Null when the name isn't known.
  HeldService* service(std::string_view name) {
    if (++reads >= reads_per_sweep) drop_stale_views();
    drop_retired();
    if (const auto found = services.find(name); found != services.end()) return &found->second;
    return add(name);
  }

  const std::shared_ptr<const SlotTable> slots;
  Held<DirectoryView> directory;

 private:
  HeldService* add(std::string_view name) {
    // Before the search: a name added between the two makes this thread search once more, never once too few.
    const auto added = slots->names_added();
    if (unknown_as_of != added || unknown.size() >= kUnknownNamesMost) unknown.clear();
    unknown_as_of = added;
    if (unknown.contains(name)) return nullptr;
    auto slot = slots->find(name);
    if (!slot) {
      unknown.emplace(name);
      return nullptr;
    }
    return &services.emplace(std::string(name), HeldService{std::move(slot), {}}).first->second;
  }

  void drop_retired() {
    const auto retired = slots->names_retired();
    if (retired == retired_as_of) return;
    retired_as_of = retired;
    boost::unordered::erase_if(
        services, [](const auto& entry) { return entry.second.slot->retired.load(std::memory_order_acquire); });
  }

  void drop_stale_views() {
    reads = 0;
    reads_per_sweep = std::max(kReadsPerSweepLeast, kReadsPerSweepPerEntry * services.size());
    for (auto& [name, entry] : services) {
      if (entry.held.view && entry.held.stale(entry.slot->views)) entry.held = {};
    }
  }

  NameMap<HeldService> services;
  boost::unordered_flat_set<std::string, NameHash, std::equal_to<>> unknown;
  std::uint64_t unknown_as_of = 0;
  std::uint64_t retired_as_of = 0;
  std::size_t reads = 0;
  std::size_t reads_per_sweep = kReadsPerSweepLeast;
};

CatalogReader::CatalogReader(const Catalog& catalog) : impl_(std::make_unique<Impl>(catalog.impl_->slots)) {}
CatalogReader::~CatalogReader() = default;

boost::local_shared_ptr<const ServiceView> CatalogReader::find(std::string_view service) {
  auto* entry = impl_->service(service);
  if (entry == nullptr) return nullptr;
  if (entry->held.stale(entry->slot->views)) entry->held.refresh(entry->slot->views);
  return entry->held.view;
}

boost::local_shared_ptr<const DirectoryView> CatalogReader::directory() {
  auto& held = impl_->directory;
  if (held.stale(impl_->slots->directory)) held.refresh(impl_->slots->directory);
  return held.view;
}

Revision CatalogReader::last_revision(std::string_view service) {
  const auto* entry = impl_->service(service);
  return {entry == nullptr ? 0 : entry->slot->last_revision.load(std::memory_order_acquire)};
}

}  // namespace rollcall
