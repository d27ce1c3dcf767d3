#include "store/memory/memory_store.hpp"

#include <map>
#include <mutex>

#include "store/batch_judge.hpp"

namespace rollcall {
namespace {

/// Roughly what an event takes, for the bound on history.
std::uint64_t size_of(const Event& event) {
  const Instance& instance = *event.instance;
  std::uint64_t size = sizeof(Event) + sizeof(Instance) + event.cause.writer.size() + event.cause.evidence.size() +
                       instance.id.view().size() + instance.spec.service.view().size() + instance.spec.address.size();
  for (const auto& tag : instance.spec.tags) size += sizeof(std::string) + tag.size();
  for (const auto& [key, value] : instance.spec.metadata) size += 2 * sizeof(std::string) + key.size() + value.size();
  return size;
}

}  // namespace

/// The log itself. Rows up to `compacted` are the state as of it, rows after it are the whole log.
class MemoryLog {
 public:
  struct Row {
    EventPtr event;
    std::uint64_t writer;  ///< which handle wrote it
  };
  using Rows = std::map<Revision, Row>;

  explicit MemoryLog(Generation of) : generation(of) {}

  void insert(EventPtr event, std::uint64_t writer) {
    const InstanceNumber number = event->instance->number;
    tombstones.erase(event->previous);
    if (event->kind == EventKind::removed) tombstones.emplace(event->revision, number);
    if (event->kind == EventKind::registered) lease_marks.erase(number);
    latest[number] = event->revision;
    bytes += size_of(*event);
    const Revision revision = event->revision;
    rows.emplace_hint(rows.end(), revision, Row{std::move(event), writer});
  }

  void erase(Revision revision) {
    const auto row = rows.find(revision);
    if (row == rows.end()) return;
    bytes -= size_of(*row->second.event);
    rows.erase(row);
  }

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
  std::map<InstanceNumber, std::chrono::milliseconds> lease_marks;
  std::map<std::string, Revision, std::less<>> outboxes;
};

namespace {

class MemoryStore final : public Store {
 public:
  MemoryStore(std::shared_ptr<MemoryLog> log, const StoreLimits& limits, std::chrono::milliseconds tombstone_life)
      : log_(std::move(log)), limits_(limits), tombstone_life_(tombstone_life) {
    const std::scoped_lock lock(log_->mutex);
    writer_ = ++log_->writers;
  }
  ~MemoryStore() override { log_->leave(writer_); }
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  void on_growth(Grown grown) override { log_->follow(writer_, std::move(grown)); }

  Result<Snapshot> snapshot() override {
    const std::scoped_lock lock(log_->mutex);
    Snapshot snapshot{
        .generation = log_->generation, .revision = log_->position.revision, .instances = {}, .tombstones = {}};
    for (const auto& [number, revision] : log_->latest) {
      const EventPtr event = log_->find(revision);
      if (event->kind == EventKind::removed) {
        snapshot.tombstones.push_back({event->instance, event->at});
      } else {
        snapshot.instances.push_back(event->instance);
      }
    }
    return snapshot;
  }

  Result<CommitResult> commit(const ChangeBatch& batch) override {
    auto result = append(batch);
    if (result && !result->events.empty()) log_->tell_others(writer_, result->events.back()->revision);
    return result;
  }

  Result<std::vector<EventPtr>> read(Revision after, std::size_t limit) override {
    const std::scoped_lock lock(log_->mutex);
    if (after < log_->compacted) return too_old(after);
    std::vector<EventPtr> events;
    for (auto row = log_->rows.upper_bound(after); row != log_->rows.end() && events.size() < limit; ++row) {
      events.push_back(row->second.event);
    }
    return events;
  }

  Result<std::vector<InstancePtr>> state_at(Revision revision, const Filter& filter) override {
    const std::scoped_lock lock(log_->mutex);
    if (revision < log_->compacted) return too_old(revision);
    if (revision > log_->position.revision) return fail(ErrorCode::not_found, "the log hasn't come that far yet");
    std::map<InstanceNumber, EventPtr> state;
    for (auto row = log_->rows.begin(); row != log_->rows.upper_bound(revision); ++row) {
      state[row->second.event->instance->number] = row->second.event;
    }
    std::vector<InstancePtr> instances;
    for (const auto& [number, event] : state) {
      if (event->kind != EventKind::removed && filter.matches(*event->instance)) instances.push_back(event->instance);
    }
    return instances;
  }

  Result<HistoryPage> history(const HistoryQuery& query) override {
    const std::scoped_lock lock(log_->mutex);
    const auto first = log_->rows.upper_bound(query.after);
    const auto last = query.before ? log_->rows.lower_bound(*query.before) : log_->rows.end();
    if (query.before && *query.before <= query.after) return HistoryPage{};
    if (query.newest_first) return page(query, std::make_reverse_iterator(last), std::make_reverse_iterator(first));
    return page(query, first, last);
  }

  Result<std::vector<EventPtr>> history_of(Revision newest, std::size_t limit) override {
    const std::scoped_lock lock(log_->mutex);
    std::vector<EventPtr> events;
    while (newest && events.size() < limit) {
      EventPtr event = log_->find(newest);
      if (!event) break;
      newest = event->previous;
      events.push_back(std::move(event));
    }
    return events;
  }

  Result<void> save_leases(std::chrono::milliseconds now, std::span<const LeaseMark> marks) override {
    const std::scoped_lock lock(log_->mutex);
    log_->lease_now = now;
    for (const LeaseMark& mark : marks) log_->lease_marks[mark.number] = mark.last_beat;
    return {};
  }

  Result<LeaseMarks> load_leases() override {
    const std::scoped_lock lock(log_->mutex);
    LeaseMarks loaded{.now = log_->lease_now, .marks = {}};
    for (const auto& [number, last_beat] : log_->lease_marks) loaded.marks.push_back({number, last_beat});
    return loaded;
  }

  Result<Revision> outbox_position(std::string_view outbox) override {
    const std::scoped_lock lock(log_->mutex);
    const auto found = log_->outboxes.find(outbox);
    return found == log_->outboxes.end() ? Revision{} : found->second;
  }

  Result<void> save_outbox_position(std::string_view outbox, Revision confirmed) override {
    const std::scoped_lock lock(log_->mutex);
    log_->outboxes.insert_or_assign(std::string(outbox), confirmed);
    return {};
  }

  Result<bool> prune(WallTime now) override {
    const std::scoped_lock lock(log_->mutex);
    const bool more_tombstones = drop_tombstones(now);
    const bool more_events = drop_events(now);
    return more_tombstones || more_events;
  }

  StoreHealth health() override {
    const std::scoped_lock lock(log_->mutex);
    return {.writable = true, .detail = {}, .bytes = log_->bytes, .oldest = Revision{log_->compacted.value + 1}};
  }

 private:
  Result<CommitResult> append(const ChangeBatch& batch) {
    const std::scoped_lock lock(log_->mutex);
    if (batch.seen < log_->compacted) return too_old(batch.seen);
    BatchJudge judge(log_->position, [this](InstanceNumber number) -> Result<Revision> {
      const auto found = log_->latest.find(number);
      return found == log_->latest.end() ? Revision{} : found->second;
    });
    CommitResult result;
    for (auto row = log_->rows.upper_bound(batch.seen); row != log_->rows.end(); ++row) {
      result.events.push_back(row->second.event);
      if (row->second.writer != writer_) judge.touched_elsewhere(row->second.event->instance->id.view());
    }
    for (const Change& change : batch.changes) {
      auto event = judge.judge(change);
      if (!event) {
        result.outcomes.push_back(std::unexpected(std::move(event.error())));
        continue;
      }
      result.outcomes.push_back((*event)->revision);
      log_->insert(*event, writer_);
      result.events.push_back(std::move(*event));
    }
    log_->position = judge.position();
    return result;
  }

  [[nodiscard]] std::unexpected<Error> too_old(Revision revision) const {
    return fail(ErrorCode::compacted, "history up to revision " + std::to_string(log_->compacted.value) +
                                          " is no longer kept; " + std::to_string(revision.value) + " was asked for");
  }

  template <class Row>
  [[nodiscard]] HistoryPage page(const HistoryQuery& query, Row row, Row end) const {
    HistoryPage page;
    std::size_t looked_at = 0;
    Revision last;
    for (; row != end; ++row) {
      if (page.events.size() == query.limit || looked_at == limits_.history_scan) {
        page.resume = last;
        break;
      }
      const EventPtr& event = row->second.event;
      last = event->revision;
      ++looked_at;
      if (query.since && event->at < *query.since) continue;
      if (query.until && event->at > *query.until) continue;
      if (query.filter.matches(*event->instance)) page.events.push_back(event);
    }
    return page;
  }

  /// True when the bound was reached first.
  bool drop_tombstones(WallTime now) {
    for (std::size_t dropped = 0; dropped < limits_.prune_events; ++dropped) {
      if (log_->tombstones.empty()) return false;
      const auto [revision, number] = *log_->tombstones.begin();
      if (!past_life(log_->find(revision)->at, now, tombstone_life_)) return false;
      log_->tombstones.erase(log_->tombstones.begin());
      log_->latest.erase(number);
      log_->lease_marks.erase(number);
      if (revision <= log_->compacted) log_->erase(revision);
    }
    return true;
  }

  bool drop_events(WallTime now) {
    for (std::size_t dropped = 0; dropped < limits_.prune_events; ++dropped) {
      const auto next = log_->rows.upper_bound(log_->compacted);
      if (next == log_->rows.end()) return false;
      const EventPtr event = next->second.event;
      if (!past_life(event->at, now, limits_.history_age) && log_->bytes <= limits_.history_bytes) return false;
      log_->erase(event->previous);
      if (event->kind == EventKind::removed && !log_->tombstones.contains(event->revision))
        log_->erase(event->revision);
      log_->compacted = event->revision;
    }
    return true;
  }

  const std::shared_ptr<MemoryLog> log_;
  const StoreLimits limits_;
  const std::chrono::milliseconds tombstone_life_;
  std::uint64_t writer_ = 0;
};

}  // namespace

std::shared_ptr<MemoryLog> make_memory_log(Generation generation) { return std::make_shared<MemoryLog>(generation); }

std::unique_ptr<Store> make_memory_store(std::shared_ptr<MemoryLog> log, const StoreLimits& limits,
                                         std::chrono::milliseconds tombstone_life) {
  return std::make_unique<MemoryStore>(std::move(log), limits, tombstone_life);
}

}  // namespace rollcall
