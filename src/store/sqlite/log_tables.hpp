#pragma once
// Events, and which of them is the newest of each instance. Rows up to the compacted revision C are exactly the state
// as of C; after it they are the whole log. So the state right after any revision R from C on is: every instance whose
// newest event is up to R, and the `previous` of every event after R that stands at R or before.
#include <functional>
#include <vector>

#include "model/event.hpp"
#include "store/sqlite/connection.hpp"

namespace rollcall::sqlite {

class LogTables {
 public:
  [[nodiscard]] static Db<LogTables> prepare(Connection& connection);

  // ---- inside a write transaction ----

  [[nodiscard]] Db<void> insert(const Event& event);
  [[nodiscard]] Db<void> erase_event(Revision revision);
  [[nodiscard]] Db<void> erase_instance(InstanceNumber number);
  [[nodiscard]] Db<void> erase_tombstone(Revision revision);

  struct TombstoneRow {
    Revision revision;
    InstanceNumber number;
    WallTime removed_at;
  };
  [[nodiscard]] Db<std::vector<TombstoneRow>> oldest_tombstones(std::size_t limit);
  [[nodiscard]] Db<bool> has_tombstone(Revision revision);

  struct OldEvent {
    Revision revision, previous;
    WallTime at;
    bool removal;
  };
  [[nodiscard]] Db<std::vector<OldEvent>> oldest_after(Revision compacted, std::size_t limit);

  // ---- anywhere ----

  [[nodiscard]] Db<Revision> newest_revision();
  [[nodiscard]] Db<InstanceNumber> newest_number();
  [[nodiscard]] Db<bool> has_instances(InstanceNumber from, InstanceNumber to);
  [[nodiscard]] Db<Revision> latest_of(InstanceNumber number);
  /// Null when it is no longer kept.
  [[nodiscard]] Db<EventPtr> find(Revision revision);
  [[nodiscard]] Db<std::vector<EventPtr>> read(Revision after, std::size_t limit);

  /// Calls `visit` with every instance's newest event up to `upto`, in the order of their numbers.
  [[nodiscard]] Db<void> visit_latest(Revision upto, const std::function<void(EventPtr)>& visit);
  /// Calls `visit` with what events after `revision` have replaced of the state right after it.
  [[nodiscard]] Db<void> visit_replaced(Revision revision, const std::function<void(EventPtr)>& visit);

  /// Rows between two revisions, both exclusive. Stops when `visit` returns false.
  struct Row {
    Revision revision, previous;
    std::string_view body;
  };
  [[nodiscard]] Db<void> scan(Revision after, Revision before, bool newest_first,
                              const std::function<Db<bool>(const Row&)>& visit);

 private:
  Statement insert_event_, put_instance_, insert_tombstone_, erase_event_, erase_instance_, erase_tombstone_;
  Statement oldest_tombstones_, has_tombstone_, oldest_after_;
  Statement newest_revision_, newest_number_, has_instances_, latest_of_, find_, read_, latest_, replaced_;
  Statement scan_up_, scan_down_;
  std::string body_;  ///< reused between inserts
};

}  // namespace rollcall::sqlite
