#pragma once
// The log itself, which handles share. Only this folder's.
#include <map>
#include <mutex>

#include "store/batch_judge.hpp"
#include "store/membership.hpp"
#include "store/memory/memory_store.hpp"

namespace rollcall {

/// The log itself. Rows up to `compacted` are the state as of it, rows after it are the whole log.
class MemoryLog {
 public:
  struct Row {
    EventPtr event;
    std::uint64_t writer;  ///< which handle wrote it
  };
  using Rows = std::map<Revision, Row>;

  explicit MemoryLog(Generation of) : generation(of) {}

  void insert(EventPtr event, std::uint64_t writer);
  void erase(Revision revision);

  [[nodiscard]] EventPtr find(Revision revision) const {
    const auto row = rows.find(revision);
    return row == rows.end() ? nullptr : row->second.event;
  }

  void follow(std::uint64_t reader, Store::Grown grown) {
    const std::scoped_lock lock(followers_mutex);
    followers.insert_or_assign(reader, std::move(grown));
  }

  void leave(std::uint64_t reader) {
    const std::scoped_lock lock(followers_mutex);
    followers.erase(reader);
  }

  /// Not while `mutex` is held: who is told may be slow.
  void tell_others(std::uint64_t writer, Revision newest) {
    const std::scoped_lock lock(followers_mutex);
    for (auto& [reader, grown] : followers) {
      if (reader != writer) grown(newest);
    }
  }

  const Generation generation;
  std::mutex followers_mutex;
  std::map<std::uint64_t, Store::Grown> followers;  // guarded by followers_mutex, by their handle
  std::mutex mutex;
  // Guarded by mutex.
  BatchJudge::Position position;
  std::uint64_t writers = 0;
  Rows rows;
  std::map<InstanceNumber, Revision> latest;
  std::map<Revision, InstanceNumber> tombstones;
  Revision compacted;
  std::uint64_t bytes = 0;
  std::chrono::milliseconds lease_now{0};
  Term lease_term;
  std::map<InstanceNumber, std::chrono::milliseconds> lease_marks;
  std::map<std::string, Revision, std::less<>> outboxes;
  std::map<NodeId, Member> members;
  std::map<std::pair<NodeId, Round>, std::string> digests;
  std::map<std::string, NodeId> offices;  ///< who holds them
  NodeId reaper;                          ///< who began the position's term
};

}  // namespace rollcall
