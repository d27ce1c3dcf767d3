#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "store/batch_judge.hpp"
#include "store/event_row.hpp"
#include "store/revision_ranges.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/prune.hpp"

namespace rollcall {
namespace sqlite {
namespace {

constexpr Revision kEndOfTime{std::uint64_t{1} << 53};

/// After these the connection, or what it has cached, isn't to be trusted.
bool needs_reopening(const Failure& failure) {
  switch (failure.primary()) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_CONSTRAINT:
      return false;
    default:
      return true;
  }
}

class SqliteStore final : public Store {
 public:
  SqliteStore(SqliteOptions options, Database database)
      : options_(std::move(options)), generation_(database.generation), database_(std::move(database)) {}

  void on_growth(Grown) override {}
  Result<Snapshot> snapshot() override {
    return reading([&] { return read_snapshot(); });
  }
  Result<CommitResult> commit(const ChangeBatch& batch) override {
    return writing([&] { return try_commit(batch); });
  }
  Result<std::vector<EventPtr>> read(Revision after, std::size_t limit) override {
    return reading([&] { return read_events(after, limit); });
  }
  Result<std::vector<InstancePtr>> state_at(Revision revision, const Filter& filter) override {
    return reading([&] { return read_state(revision, filter); });
  }
  Result<HistoryPage> history(const HistoryQuery& query) override {
    return reading([&] { return read_history(query); });
  }
  Result<std::vector<EventPtr>> history_of(Revision newest, std::size_t limit) override {
    return reading([&] { return read_chain(newest, limit); });
  }
  Result<void> save_leases(const LeaseMarks& marks) override {
    return writing([&] { return try_save_leases(marks); });
  }
  Result<LeaseMarks> load_leases() override {
    return reading([&] { return read_leases(); });
  }
  Result<std::optional<Revision>> outbox_position(std::string_view outbox) override {
    return reading([&]() -> Db<Result<std::optional<Revision>>> { return database_->side.outbox(outbox); });
  }
  Result<void> save_outbox_position(std::string_view outbox, Revision confirmed) override {
    return writing([&] { return try_save_outbox(outbox, confirmed); });
  }
  Result<bool> prune(WallTime now) override {
    return writing([&] { return try_prune(now); });
  }

  StoreHealth health() override {
    if (database_) {
      if (const auto sizes = sizes_of(database_->connection)) health_.bytes = sizes->on_disk;
    }
    health_.oldest = Revision{compacted_.value + 1};
    return health_;
  }

 private:
  // Inner results: a Failure is SQLite's and may close the connection; an Error is an answer.

  template <class Work>
  auto reading(Work work) -> std::invoke_result_t<Work>::value_type {
    if (auto opened = ensure_open(); !opened) return std::unexpected(opened.error());
    auto done = work();
    if (done) return std::move(*done);
    const Error error = to_error(done.error(), options_.path);
    if (needs_reopening(done.error())) database_.reset();
    return std::unexpected(error);
  }

  template <class Work>
  auto writing(Work work) -> std::invoke_result_t<Work>::value_type {
    if (auto opened = ensure_open(); !opened) return std::unexpected(opened.error());
    deciding_ = false;
    auto done = work();
    if (done) return std::move(*done);
    return std::unexpected(write_failed(done.error()));
  }

  Error write_failed(const Failure& failure) {
    Error error = to_error(failure, options_.path);
    error.code = ErrorCode::unavailable;
    // A full disk is met while the pages of the commit are written, before the frame that would make it one.
    if (deciding_ && needs_reopening(failure)) error.code = ErrorCode::unknown_outcome;
    if (needs_reopening(failure)) database_.reset();
    health_.writable = false;
    health_.detail = error.message;
    return error;
  }

  Result<void> ensure_open() {
    if (database_) return {};
    auto opened = open_database(options_, OpenMode::again);
    if (opened && opened->generation != generation_) {
      return fail(ErrorCode::incompatible, options_.path + " has been exchanged for another log");
    }
    if (!opened) {
      if (opened.error().code != ErrorCode::incompatible) opened.error().code = ErrorCode::unavailable;
      return std::unexpected(std::move(opened.error()));
    }
    database_.emplace(std::move(*opened));
    data_version_.reset();
    own_ = {};
    return {};
  }

  /// Inside a transaction: learns how far the log has come, if another connection has written since.
  Db<void> refresh() {
    const ResetAtEnd reset(database_->data_version);
    const auto row = database_->data_version.step();
    if (!row) return std::unexpected(row.error());
    const std::uint64_t version = database_->data_version.number(0);
    if (data_version_ == version) return {};
    const auto revision = database_->log.newest_revision();
    if (!revision) return std::unexpected(revision.error());
    const auto number = database_->log.newest_number();
    if (!number) return std::unexpected(number.error());
    const auto least_revision = database_->side.meta(Meta::revision);
    if (!least_revision) return std::unexpected(least_revision.error());
    const auto least_number = database_->side.meta(Meta::number);
    if (!least_number) return std::unexpected(least_number.error());
    const auto compacted = database_->side.meta(Meta::compacted);
    if (!compacted) return std::unexpected(compacted.error());
    position_ = {Revision{std::max(revision->value, *least_revision)},
                 InstanceNumber{std::max(number->value, *least_number)}};
    compacted_ = Revision{*compacted};
    data_version_ = version;
    return {};
  }

  Db<Transaction> begin(Transaction::Kind kind) {
    auto transaction = Transaction::begin(database_->connection, kind);
    if (!transaction) return transaction;
    if (auto refreshed = refresh(); !refreshed) return std::unexpected(refreshed.error());
    return transaction;
  }

  /// The one moment at which a failure leaves the outcome open.
  Db<void> decide(Transaction& transaction) {
    deciding_ = true;
    auto done = transaction.commit();
    if (!done) return done;
    health_.writable = true;
    health_.detail.clear();
    return {};
  }

  [[nodiscard]] std::unexpected<Error> too_old(Revision revision) const {
    return fail(ErrorCode::compacted, "history up to revision " + std::to_string(compacted_.value) +
                                          " is no longer kept; " + std::to_string(revision.value) + " was asked for");
  }

  Db<Result<CommitResult>> try_commit(const ChangeBatch& batch) {
    auto transaction = begin(Transaction::Kind::write);
    if (!transaction) return std::unexpected(transaction.error());
    if (batch.seen < compacted_) return Result<CommitResult>(too_old(batch.seen));
    CommitResult result;
    if (batch.seen < position_.revision) {
      auto missed = database_->log.read(batch.seen, kEndOfTime.value);
      if (!missed) return std::unexpected(missed.error());
      result.events = std::move(*missed);
    }
    const Revision before = position_.revision;
    auto after = store_changes(batch, result);
    if (!after) return std::unexpected(std::move(after.error()));
    if (after->revision != before) {
      if (auto done = decide(*transaction); !done) return std::unexpected(done.error());
      position_ = *after;
      own_.forget_up_to(batch.seen);
      own_.add(Revision{before.value + 1}, after->revision);
    }
    return Result<CommitResult>(std::move(result));
  }

  /// Judges and inserts; the position after it.
  Db<BatchJudge::Position> store_changes(const ChangeBatch& batch, CommitResult& result) {
    std::optional<Failure> failure;
    BatchJudge judge(position_, [&](InstanceNumber number) -> Result<Revision> {
      auto latest = database_->log.latest_of(number);
      if (latest) return *latest;
      failure = std::move(latest.error());
      return fail(ErrorCode::unavailable, failure->message);
    });
    const std::vector<EventPtr> missed = result.events;  // keeps the ids that the judge borrows
    for (const EventPtr& event : missed) {
      if (!own_.contains(event->revision)) judge.touched_elsewhere(event->instance->id.view());
    }
    result.outcomes.reserve(batch.changes.size());
    result.events.reserve(missed.size() + batch.changes.size());
    for (const Change& change : batch.changes) {
      auto event = judge.judge(change);
      if (failure) return std::unexpected(std::move(*failure));
      if (!event) {
        result.outcomes.push_back(std::unexpected(std::move(event.error())));
        continue;
      }
      if (auto done = insert(**event); !done) return std::unexpected(std::move(done.error()));
      result.outcomes.push_back((*event)->revision);
      result.events.push_back(std::move(*event));
    }
    return judge.position();
  }

  Db<void> insert(const Event& event) {
    if (event.kind == EventKind::registered && event.previous) {
      if (auto done = database_->side.forget_mark(event.instance->number); !done) return done;
    }
    return database_->log.insert(event);
  }

  Db<Result<Snapshot>> read_snapshot() {
    const auto transaction = begin(Transaction::Kind::read);
    if (!transaction) return std::unexpected(transaction.error());
    Snapshot snapshot{.generation = generation_, .revision = position_.revision, .instances = {}, .tombstones = {}};
    const auto visited = database_->log.visit_latest(kEndOfTime, [&](const EventPtr& event) {
      if (event->kind == EventKind::removed) {
        snapshot.tombstones.push_back({event->instance, event->at});
      } else {
        snapshot.instances.push_back(event->instance);
      }
    });
    if (!visited) return std::unexpected(visited.error());
    return Result<Snapshot>(std::move(snapshot));
  }

  Db<Result<std::vector<EventPtr>>> read_events(Revision after, std::size_t limit) {
    const auto transaction = begin(Transaction::Kind::read);
    if (!transaction) return std::unexpected(transaction.error());
    if (after < compacted_) return Result<std::vector<EventPtr>>(too_old(after));
    auto events = database_->log.read(after, std::min<std::size_t>(limit, kEndOfTime.value));
    if (!events) return std::unexpected(events.error());
    return Result<std::vector<EventPtr>>(std::move(*events));
  }

  Db<Result<std::vector<InstancePtr>>> read_state(Revision revision, const Filter& filter) {
    using Answer = Result<std::vector<InstancePtr>>;
    const auto transaction = begin(Transaction::Kind::read);
    if (!transaction) return std::unexpected(transaction.error());
    if (revision < compacted_) return Answer(too_old(revision));
    if (revision > position_.revision) return Answer(fail(ErrorCode::not_found, "the log hasn't come that far yet"));
    std::vector<InstancePtr> instances;
    const auto take = [&](const EventPtr& event) {
      if (event->kind != EventKind::removed && filter.matches(*event->instance)) instances.push_back(event->instance);
    };
    auto visited = database_->log.visit_latest(revision, take);
    if (visited) visited = database_->log.visit_replaced(revision, take);
    if (!visited) return std::unexpected(visited.error());
    std::ranges::sort(instances, {}, [](const InstancePtr& instance) { return instance->number; });
    return Answer(std::move(instances));
  }

  Db<Result<HistoryPage>> read_history(const HistoryQuery& query) {
    HistoryPage page;
    std::size_t looked_at = 0;
    Revision last = query.newest_first ? query.before.value_or(kEndOfTime) : query.after;
    const auto scanned = database_->log.scan(
        query.after, query.before.value_or(kEndOfTime), query.newest_first, [&](const LogTables::Row& row) -> Db<bool> {
          if (page.events.size() >= query.limit || looked_at >= options_.limits.history_scan) {
            page.resume = last;
            return false;
          }
          ++looked_at;
          last = row.revision;
          auto event = choose(query, row);
          if (!event) return std::unexpected(std::move(event.error()));
          if (*event) page.events.push_back(std::move(*event));
          return true;
        });
    if (!scanned) return std::unexpected(scanned.error());
    return Result<HistoryPage>(std::move(page));
  }

  /// The event of that row, or null when it isn't asked for. Most rows are turned down by their front alone.
  static Db<EventPtr> choose(const HistoryQuery& query, const LogTables::Row& row) {
    const auto head = read_head(row.body);
    if (!head) return damaged(head.error());
    if (query.since && head->at < *query.since) return nullptr;
    if (query.until && head->at > *query.until) return nullptr;
    if (query.filter.service && head->service != query.filter.service->view()) return nullptr;
    if (query.filter.id && head->id != query.filter.id->view()) return nullptr;
    auto event = read_row(row.revision, row.previous, row.body);
    if (!event) return damaged(event.error());
    return query.filter.matches(*(*event)->instance) ? std::move(*event) : nullptr;
  }

  Db<Result<std::vector<EventPtr>>> read_chain(Revision newest, std::size_t limit) {
    std::vector<EventPtr> events;
    while (newest && events.size() < limit) {
      auto event = database_->log.find(newest);
      if (!event) return std::unexpected(std::move(event.error()));
      if (!*event) break;
      newest = (*event)->previous;
      events.push_back(std::move(*event));
    }
    return Result<std::vector<EventPtr>>(std::move(events));
  }

  Db<Result<void>> try_save_leases(const LeaseMarks& marks) {
    auto transaction = begin(Transaction::Kind::write);
    if (!transaction) return std::unexpected(transaction.error());
    auto done = database_->side.set_meta(Meta::lease_clock, static_cast<std::uint64_t>(marks.now.count()));
    if (done) done = database_->side.save_marks(marks.marks);
    if (done) done = decide(*transaction);
    if (!done) return std::unexpected(done.error());
    return Result<void>();
  }

  Db<Result<LeaseMarks>> read_leases() {
    const auto transaction = begin(Transaction::Kind::read);
    if (!transaction) return std::unexpected(transaction.error());
    const auto now = database_->side.meta(Meta::lease_clock);
    if (!now) return std::unexpected(now.error());
    auto marks = database_->side.load_marks();
    if (!marks) return std::unexpected(marks.error());
    return Result<LeaseMarks>(
        {.now = std::chrono::milliseconds(static_cast<std::int64_t>(*now)), .marks = std::move(*marks), .term = {}});
  }

  Db<Result<void>> try_save_outbox(std::string_view outbox, Revision confirmed) {
    auto transaction = begin(Transaction::Kind::write);
    if (!transaction) return std::unexpected(transaction.error());
    auto done = database_->side.set_outbox(outbox, confirmed);
    if (done) done = decide(*transaction);
    if (!done) return std::unexpected(done.error());
    return Result<void>();
  }

  Db<Result<bool>> try_prune(WallTime now) {
    auto transaction = begin(Transaction::Kind::write);
    if (!transaction) return std::unexpected(transaction.error());
    const auto step = prune_step(*database_, options_, position_, compacted_, now);
    if (!step) return std::unexpected(step.error());
    if (step->changed) {
      if (auto done = decide(*transaction); !done) return std::unexpected(done.error());
      compacted_ = step->compacted;
    }
    return Result<bool>(step->more);
  }

  const SqliteOptions options_;
  const Generation generation_;
  std::optional<Database> database_;  ///< none after a failure, until it is opened again
  bool deciding_ = false;             ///< a COMMIT is under way
  StoreHealth health_;

  // As of data_version_, which changes when another connection commits.
  std::optional<std::uint64_t> data_version_;
  BatchJudge::Position position_;
  Revision compacted_;
  RevisionRanges own_;
};

}  // namespace
}  // namespace sqlite

Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteOptions& options) {
  auto database = sqlite::open_database(options, sqlite::OpenMode::first);
  if (!database) return std::unexpected(std::move(database.error()));
  return std::make_unique<sqlite::SqliteStore>(options, std::move(*database));
}

}  // namespace rollcall
