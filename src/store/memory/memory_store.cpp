#include "store/memory/memory_store.hpp"

#include "store/memory/memory_log.hpp"

namespace rollcall {
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

  Result<void> save_leases(const LeaseMarks& marks) override {
    const std::scoped_lock lock(log_->mutex);
    if (marks.term < log_->lease_term) return fail(ErrorCode::conflict, "leases have been saved by a later reaper");
    log_->lease_now = marks.now;
    log_->lease_term = marks.term;
    for (const LeaseMark& mark : marks.marks) log_->lease_marks[mark.number] = mark.last_beat;
    return {};
  }

  Result<LeaseMarks> load_leases() override {
    const std::scoped_lock lock(log_->mutex);
    LeaseMarks loaded{.now = log_->lease_now, .marks = {}, .term = log_->lease_term};
    for (const auto& [number, last_beat] : log_->lease_marks) loaded.marks.push_back({number, last_beat});
    return loaded;
  }

  Result<std::optional<Revision>> outbox_position(std::string_view outbox) override {
    const std::scoped_lock lock(log_->mutex);
    return position_of(outbox);
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

  [[nodiscard]] std::optional<Revision> position_of(std::string_view outbox) const {
    const auto found = log_->outboxes.find(outbox);
    return found == log_->outboxes.end() ? std::nullopt : std::optional(found->second);
  }

  /// Events after it aren't confirmed by all.
  [[nodiscard]] Revision kept_for_outboxes() const {
    Revision least = log_->position.revision;
    for (const auto& outbox : limits_.outboxes) least = std::min(least, position_of(outbox).value_or(least));
    return least;
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
    const Revision kept_after = kept_for_outboxes();
    for (std::size_t dropped = 0; dropped < limits_.prune_events; ++dropped) {
      const auto next = log_->rows.upper_bound(log_->compacted);
      if (next == log_->rows.end()) return false;
      const EventPtr event = next->second.event;
      if (!past_life(event->at, now, limits_.history_age) && log_->bytes <= limits_.history_bytes) return false;
      if (event->revision > kept_after && log_->bytes <= limits_.outbox_bytes) return false;
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

std::unique_ptr<Store> make_memory_store(std::shared_ptr<MemoryLog> log, const StoreLimits& limits,
                                         std::chrono::milliseconds tombstone_life) {
  return std::make_unique<MemoryStore>(std::move(log), limits, tombstone_life);
}

}  // namespace rollcall
