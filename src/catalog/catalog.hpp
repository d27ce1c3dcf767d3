#pragma once
// What is known now. Events alone alter it, in order; readers see immutable views.
//
// One thread applies (the registry's). Any thread reads through a CatalogReader of its own, which touches no memory
// that another reader writes; find_instance() and known() may be called from anywhere and take a short lock.
#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "model/event.hpp"
#include "model/service.hpp"
#include "store/store.hpp"

namespace rollcall {

class EncodedList;  // catalog/encoded_list.hpp: persistent list of encoded pieces, grouped in shared chunks

/// One service as of one revision. Holds only what events change.
struct ServiceView {
  Service service;
  std::string entry_json;  ///< the service's members without braces, encoded once: `"id":"x","name":"x",...`
  std::shared_ptr<const EncodedList> instances;
};

/// All services as of one revision, in the order of their first registration.
struct DirectoryView {
  Revision revision;
  std::size_t services = 0;
  std::size_t instances = 0;
  std::shared_ptr<const EncodedList> entries;  ///< one piece a service: its entry
};

/// What the catalog knows of an id: alive, or gone for a while.
struct Known {
  InstancePtr instance;
  bool removed = false;
  WallTime removed_at;
};

/// How model values become bytes, handed in so that the catalog knows no codec.
struct Encoders {
  /// One instance as a JSON object.
  std::function<void(const Instance&, std::string& out)> instance;
  /// One service's members, without the enclosing braces.
  std::function<void(const Service&, std::string& out)> service;
  /// One event as a JSON object. Called on any thread.
  void (*event)(const Event&, std::string& out) = nullptr;
};

/// What watchers are told: an event, and what was there before it. Shared by all of them.
class Notice {
 public:
  using EncodeEvent = void (*)(const Event&, std::string& out);
  Notice(EventPtr happened, InstancePtr living_before, EncodeEvent encode)
      : event(std::move(happened)), before(std::move(living_before)), encode_(encode) {}

  const EventPtr event;
  const InstancePtr before;  ///< null where the id was not alive

  /// Any thread. Encoded when it is first asked for, and only then.
  [[nodiscard]] std::string_view json() const {
    std::call_once(encoded_, [this] { encode_(*event, json_); });
    return json_;
  }

 private:
  const EncodeEvent encode_;
  mutable std::once_flag encoded_;
  mutable std::string json_;
};
using NoticePtr = std::shared_ptr<const Notice>;

class Catalog {
 public:
  Catalog(Encoders encoders, const CatalogLimits& limits);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // ---- the applying thread ----

  /// Starts over from `snapshot`. Watchers don't notice when it is of the same generation and revision. When it is of
  /// the same generation but further on, the events between will never come: watchers that lack them are told to start
  /// over. Another generation, or one that went back: every watcher is.
  void reset(const Snapshot& snapshot);

  /// Events in order; those not newer than revision() are stepped over. Views are published once, at the end.
  void apply(std::span<const EventPtr> events);

  /// Forgets tombstones removed before `cutoff`, and services that have had no instance and no event since then.
  void forget_tombstones(WallTime cutoff);

  // ---- any thread ----

  [[nodiscard]] Revision revision() const noexcept;
  [[nodiscard]] Generation generation() const noexcept;

  /// The living instance of that id, or null.
  [[nodiscard]] InstancePtr find_instance(std::string_view id) const;
  [[nodiscard]] std::optional<Known> known(std::string_view id) const;
  /// Calls `visit` for each living instance, in no order. Off the applying thread not all as of one revision.
  void for_each(const std::function<void(const InstancePtr&)>& visit) const;

  [[nodiscard]] Notice::EncodeEvent event_encoder() const noexcept;

 private:
  friend class CatalogReader;
  friend class Watcher;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One thread's way to the views. Create one per reading thread; not thread-safe itself.
class CatalogReader {
 public:
  explicit CatalogReader(const Catalog& catalog);
  ~CatalogReader();
  CatalogReader(const CatalogReader&) = delete;
  CatalogReader& operator=(const CatalogReader&) = delete;

  /// The newest view of a service that has instances, or null. Cheap to hold on this thread, as long as needed.
  [[nodiscard]] boost::local_shared_ptr<const ServiceView> find(std::string_view service);
  [[nodiscard]] boost::local_shared_ptr<const DirectoryView> directory();

  /// The revision of the service's last event, also for a while after it has lost its last instance; 0 if not known.
  [[nodiscard]] Revision last_revision(std::string_view service);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Follows the log in memory from a revision on. Woken for its own service alone.
class Watcher {
 public:
  /// `wake` may be called from the applying thread, once between two calls of next(): it should post, not work.
  /// An empty service watches everything. A service that isn't known is watched from revision() on, or an earlier
  /// revision that is still in memory. Events already there don't wake: call next() first. The views show an event
  /// before its watchers are woken.
  Watcher(const Catalog& catalog, std::optional<ServiceName> service, Revision after, std::function<void()> wake);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Events after the last one returned, in order, at most `limit`; empty when there are none yet.
  /// `compacted`: the log in memory no longer reaches back that far, or the generation is another: start over.
  [[nodiscard]] Result<std::vector<NoticePtr>> next(std::size_t limit);

  /// How many events wait, as far as the log in memory reaches.
  [[nodiscard]] std::size_t behind() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall
