#pragma once
// Where views wait for readers. A reader that finds a version unchanged goes on with the view it has, and has then
// touched nothing that another reader writes. Private to this folder.
#include <atomic>
#include <boost/smart_ptr/shared_ptr.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "catalog/catalog.hpp"

namespace rollcall {

/// For maps by name that are searched without making a string.
struct NameHash {
  using is_transparent = void;
  using is_avalanching = void;
  std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>{}(name); }
};
template <class Value>
using NameMap = boost::unordered_flat_map<std::string, Value, NameHash, std::equal_to<>>;

constexpr std::size_t kCacheLine = 64;

/// The newest view of one thing. One thread publishes.
template <class View>
class Published {
 public:
  struct Read {
    std::uint64_t version = 0;
    boost::shared_ptr<const View> view;
  };

  /// Rises with every publication.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  [[nodiscard]] Read read() const {
    const std::scoped_lock lock(mutex_);
    return {version_.load(std::memory_order_relaxed), view_};
  }

  void publish(boost::shared_ptr<const View> view) {
    const std::scoped_lock lock(mutex_);
    view_.swap(view);
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  alignas(kCacheLine) std::atomic<std::uint64_t> version_{1};
  /// Apart, for readers write here when they fetch a newer view.
  alignas(kCacheLine) mutable std::mutex mutex_;
  boost::shared_ptr<const View> view_;
};

/// One service's place. Readers hold on to it; `retired` once the catalog has forgotten the name.
struct ServiceSlot {
  Published<ServiceView> views;
  alignas(kCacheLine) std::atomic<std::uint64_t> last_revision{0};
  std::atomic<bool> retired{false};
};

/// All places by name.
class SlotTable {
 public:
  // ---- any thread ----
  [[nodiscard]] std::shared_ptr<const ServiceSlot> find(std::string_view name) const;
  /// Rises when a name is added: what wasn't found before may be now.
  [[nodiscard]] std::uint64_t names_added() const noexcept { return names_added_.load(std::memory_order_acquire); }
  /// Rises when names are retired: what readers keep of them is of no use any more.
  [[nodiscard]] std::uint64_t names_retired() const noexcept { return names_retired_.load(std::memory_order_acquire); }

  // ---- the applying thread ----
  [[nodiscard]] std::shared_ptr<ServiceSlot> add(std::string_view name);
  void retire(std::string_view name);

  Published<DirectoryView> directory;

 private:
  alignas(kCacheLine) std::atomic<std::uint64_t> names_added_{1};
  std::atomic<std::uint64_t> names_retired_{1};
  alignas(kCacheLine) mutable std::mutex mutex_;
  NameMap<std::shared_ptr<ServiceSlot>> slots_;
};

}  // namespace rollcall
