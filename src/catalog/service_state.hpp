#pragma once
// One service on the applying thread: its counts, its list, and the edits that wait to be published.
// Private to this folder.
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/encoded_list.hpp"
#include "catalog/published.hpp"

namespace rollcall {

/// Bytes of pieces that aren't in a list yet, of all services together.
class Scratch {
 public:
  struct Range {
    std::size_t json_begin = 0, facts_begin = 0, end = 0;
  };

  [[nodiscard]] Range add(const Encoders& encoders, const Instance& instance);
  [[nodiscard]] Piece piece(const Range& range) const;
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  /// Keeps its memory for the next batch unless it has become large.
  void clear();

 private:
  std::string bytes_;
};

class ServiceState {
 public:
  ServiceState(ServiceName name, std::shared_ptr<ServiceSlot> slot);

  [[nodiscard]] const Service& service() const noexcept { return service_; }
  [[nodiscard]] bool empty() const noexcept { return service_.counts.total() == 0 && declarations_.empty(); }

  /// Adds an instance; returns its place, where it stays for life.
  [[nodiscard]] std::uint32_t add(Scratch& scratch, const Encoders& encoders, const Instance& instance);
  void replace(std::uint32_t place, Status old_status, Scratch& scratch, const Encoders& encoders,
               const Instance& instance);
  void remove(std::uint32_t place, Status old_status);

  /// A record that declares the service, in place of what its id declared before. Of several the newest one counts.
  void declare(const InstancePtr& record);
  void withdraw(const InstanceId& id);

  /// An event of the service. The first one after it was empty makes it anew.
  void touch(Revision revision, WallTime at);
  /// Widens what is known of the service's past by something found in a snapshot.
  void learn(Revision revision, WallTime first, WallTime last);

  /// Puts the edits into the list. Before `scratch` is cleared.
  void flush(const Scratch& scratch);
  /// Shows the service as it is now, or that it has no instances. After flush().
  boost::shared_ptr<const ServiceView> publish(const Encoders& encoders);

  /// No instances, nothing pending; with `forget_past`, no revision either. Published by publish().
  void clear(bool forget_past);

  static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

  bool touched = false;          ///< has edits or events that aren't published
  bool listed_as_empty = false;  ///< the catalog has it in its list of services to forget
  std::uint32_t directory_place = kNowhere;
  Revision first_created;  ///< smallest of its instances, while a snapshot is read

 private:
  void show_declaration();
  void edit(std::uint32_t place, bool hole, Scratch::Range bytes);

  struct Edit {
    std::uint32_t place = 0;
    std::uint32_t turn = 0;  ///< which of the edits since the last flush
    bool hole = false;
    Scratch::Range bytes;
  };

  Service service_;
  std::shared_ptr<ServiceSlot> slot_;
  std::shared_ptr<const EncodedList> list_;
  std::vector<std::uint32_t> free_places_;
  std::uint32_t next_place_ = 0;
  std::vector<Edit> edits_;
  std::vector<InstancePtr> declarations_;  ///< by `modified`
};

}  // namespace rollcall
