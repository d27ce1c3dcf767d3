#include "store/postgres/postgres_store.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "store/postgres/batch_rows.hpp"
#include "store/postgres/growth_listener.hpp"
#include "store/postgres/log_tables.hpp"
#include "store/postgres/prune.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/side_tables.hpp"

namespace rollcall {
namespace postgres {
namespace {

constexpr std::size_t kAll = kEndOfTime.value;

/// After a failed attempt to connect, so long everyone is told of it at once: many may wait for the store's thread.
constexpr std::chrono::milliseconds kReopenPause{250};

class PostgresStore final : public Store {
 public:
  PostgresStore(PostgresOptions options, ConnectionInfo info, Database database)
      : options_(std::move(options)),
        info_(std::move(info)),
        generation_(database.generation),
        database_(std::move(database)) {}

  void on_growth(Grown grown) override {
    listener_ = std::make_unique<GrowthListener>(options_, info_, generation_, std::move(grown));
  }
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
    return reading([&] { return durable(read_state(revision, filter), revision); });
  }
  Result<HistoryPage> history(const HistoryQuery& query) override {
    return reading([&] {
      auto page = at_one_moment(
          [&](const Head&) { return answered(read_history(*database_, query, options_.limits.history_scan)); });
      const Revision seen = page && *page ? newest_of((*page)->events) : Revision{};
      return durable(std::move(page), seen);
    });
  }
  Result<std::vector<EventPtr>> history_of(Revision newest, std::size_t limit) override {
    return reading([&] { return durable(answered(read_chain(*database_, newest, limit)), newest); });
  }
  Result<void> save_leases(const LeaseMarks& marks) override {
    return writing([&] { return try_save_leases(marks); });
  }
  Result<LeaseMarks> load_leases() override {
    return reading([&] { return answered(load_marks(*database_)); });
  }
  Result<std::optional<Revision>> outbox_position(std::string_view outbox) override {
    return reading([&] { return answered(postgres::outbox(*database_, outbox)); });
  }
  Result<void> save_outbox_position(std::string_view outbox, Revision confirmed) override {
    return writing([&] { return answered(decide({call(Sql::begin_write), call_to_set_outbox(outbox, confirmed)})); });
  }
  Result<bool> prune(WallTime now) override {
    return writing([&] { return try_prune(now); });
  }

  StoreHealth health() override {
    if (database_) {
      if (const auto found = database_->run({call(Sql::size), call(Sql::head)})) {
        health_.bytes = found->at(0).number(0, 0);
        if (const auto head = read_head(found->at(1))) compacted_ = head->compacted;
      } else {
        database_.reset();
      }
    }
    health_.oldest = Revision{compacted_.value + 1};
    return health_;
  }

 private:
  // Inner results: a Failure is PostgreSQL's and ends the connection; an Error is an answer. A connection that was
  // there before may have ended long ago without anyone's noticing: then it is tried once more on a new one.

  template <class Work>
  auto reading(Work work) -> std::invoke_result_t<Work>::value_type {
    const bool was_open = database_.has_value();
    if (auto opened = ensure_open(); !opened) return std::unexpected(opened.error());
    auto done = work();
    if (done) return std::move(*done);
    database_.reset();
    if (was_open && done.error().kind == Failure::Kind::lost) return reading(std::move(work));
    return std::unexpected(to_error(done.error()));
  }

  template <class Work>
  auto writing(Work work) -> std::invoke_result_t<Work>::value_type {
    const bool was_open = database_.has_value();
    deciding_ = decided_ = false;
    if (auto opened = ensure_open(); !opened) return std::unexpected(cannot_write(std::move(opened.error())));
    auto done = work();
    if (done) return std::move(*done);
    database_.reset();
    if (was_open && !deciding_ && done.error().kind == Failure::Kind::lost) return writing(std::move(work));
    return std::unexpected(write_failed(done.error()));
  }

  Error cannot_write(Error error) {
    error.code = ErrorCode::unavailable;
    health_.writable = false;
    health_.detail = error.message;
    return error;
  }

  Error write_failed(const Failure& failure) {
    Error error = cannot_write(to_error(failure));
    if (!deciding_ || (failure.kind == Failure::Kind::refused && !decided_)) return error;
    error.code = ErrorCode::unknown_outcome;
    undecided_ = true;
    return error;
  }

  Result<void> ensure_open() {
    if (database_) return {};
    if (clock_.now() < reopen_at_) return std::unexpected(reopening_failed_);
    auto opened = open_database(options_, info_, OpenMode::again);
    std::optional<Failure> failure;
    if (!opened) {
      failure = std::move(opened.error());
    } else if (opened->generation != generation_) {
      failure = exchanged().error();
    } else if (auto settled = settle(*opened); !settled) {
      failure = std::move(settled.error());
    }
    if (!failure) {
      database_.emplace(std::move(*opened));
      own_ = {};
      return {};
    }
    reopening_failed_ = to_error(*failure);
    reopen_at_ = clock_.now() + kReopenPause;
    return std::unexpected(reopening_failed_);
  }

  [[nodiscard]] std::unexpected<Failure> exchanged() const {
    return damaged("the schema " + options_.schema + " has been exchanged for another log");
  }

  /// A commit of which nothing was heard may still be under way on the server, where it holds the head: who gets the
  /// head reads what came of it.
  Db<void> settle(Database& database) {
    if (!undecided_) return {};
    const auto settled = database.run({call(Sql::begin_write), call(Sql::head_to_write), call(Sql::rollback)});
    if (!settled) return std::unexpected(settled.error());
    undecided_ = false;
    return {};
  }

  Db<Head> learn(const Rows& rows) {
    auto head = read_head(rows);
    if (!head) return head;
    if (head->generation != generation_) return exchanged();
    if (head->position.revision < newest_) {
      return damaged("the log ends at revision " + std::to_string(head->position.revision.value) + ", and " +
                     std::to_string(newest_.value) + " had been reached: was a server promoted that lagged behind?");
    }
    compacted_ = head->compacted;
    return head;
  }

  /// Until everything that was committed before is durable. Only then may anybody be told of what this connection has
  /// seen: a commit of the log gives the head to the next one before it is on disk.
  Db<void> make_durable(Revision seen) {
    const auto done = database_->run({call(Sql::begin_write), call(Sql::write_ahead), call(Sql::commit)});
    if (!done) return std::unexpected(done.error());
    newest_ = std::max(newest_, seen);
    return {};
  }

  /// `answer`, which shows the log up to `seen`, once that is durable.
  template <class Answer>
  Db<Answer> durable(Db<Answer> answer, Revision seen) {
    if (!answer || seen <= newest_) return answer;
    if (auto done = make_durable(seen); !done) return std::unexpected(std::move(done.error()));
    return answer;
  }

  static Revision newest_of(std::span<const EventPtr> events) {
    Revision newest;
    for (const auto& event : events) newest = std::max(newest, event->revision);
    return newest;
  }

  /// `calls` and the commit: the one moment at which a failure leaves the outcome open.
  Db<void> decide(std::vector<Call> calls) {
    calls.push_back(call(Sql::commit));
    deciding_ = true;
    const auto done = database_->run(calls);
    if (!done) return std::unexpected(done.error());
    health_.writable = true;
    health_.detail.clear();
    return {};
  }

  template <class T>
  static Db<Result<T>> answered(Db<T> done) {
    if (!done) return std::unexpected(std::move(done.error()));
    if constexpr (std::is_void_v<T>) {
      return Result<T>();
    } else {
      return Result<T>(std::move(*done));
    }
  }

  [[nodiscard]] std::unexpected<Error> too_old(Revision revision) const {
    return fail(ErrorCode::compacted, "history up to revision " + std::to_string(compacted_.value) +
                                          " is no longer kept; " + std::to_string(revision.value) + " was asked for");
  }

  /// What `work` reads of one state, which it is given the head of.
  template <class Work>
  auto at_one_moment(Work work) -> std::invoke_result_t<Work, const Head&> {
    auto begun = database_->run({call(Sql::begin_read), call(Sql::head)});
    if (!begun) return std::unexpected(std::move(begun.error()));
    const auto head = learn(begun->at(1));
    if (!head) return std::unexpected(head.error());
    auto answer = work(*head);
    if (!answer) return answer;
    if (auto ended = database_->run({call(Sql::commit)}); !ended) return std::unexpected(std::move(ended.error()));
    return answer;
  }

  // ---- the log grows ----

  Db<Result<CommitResult>> try_commit(const ChangeBatch& batch) {
    auto begun = database_->run({call(Sql::begin_write), call(Sql::head_to_write), events_after(batch.seen, kAll),
                                 call(Sql::latest_of, known_in(batch))});
    if (!begun) return std::unexpected(std::move(begun.error()));
    const auto head = learn(begun->at(1));
    if (!head) return std::unexpected(head.error());
    if (batch.seen < compacted_) return undone(Result<CommitResult>(too_old(batch.seen)));
    CommitResult result;
    auto missed = take_rest_of_events(*database_, begun->at(2), kAll, result.events);
    if (!missed) return std::unexpected(std::move(missed.error()));
    const std::size_t first = result.events.size();
    const auto position = judge_batch(batch, head->position, begun->at(3), own_, result);
    if (position.revision == head->position.revision) return nothing_to_commit(std::move(result));
    auto done = decide(calls_to_store(std::span(result.events).subspan(first), position, channel_of(options_.schema)));
    decided_ = done.has_value();
    if (done) done = make_durable(position.revision);
    if (!done) return std::unexpected(std::move(done.error()));
    own_.forget_up_to(batch.seen);
    own_.add(Revision{head->position.revision.value + 1}, position.revision);
    return Result<CommitResult>(std::move(result));
  }

  Db<Result<CommitResult>> nothing_to_commit(CommitResult result) {
    const Revision seen = newest_of(result.events);
    return durable(undone(Result<CommitResult>(std::move(result))), seen);
  }

  template <class Answer>
  Db<Answer> undone(Answer answer) {
    if (auto ended = database_->run({call(Sql::rollback)}); !ended) return std::unexpected(std::move(ended.error()));
    return answer;
  }

  // ---- the log is read ----

  Db<Result<Snapshot>> read_snapshot() {
    auto snapshot = snapshot_of_one_moment();
    const Revision seen = snapshot && *snapshot ? (*snapshot)->revision : Revision{};
    return durable(std::move(snapshot), seen);
  }

  Db<Result<Snapshot>> snapshot_of_one_moment() {
    return at_one_moment([&](const Head& head) -> Db<Result<Snapshot>> {
      Snapshot snapshot{
          .generation = generation_, .revision = head.position.revision, .instances = {}, .tombstones = {}};
      auto visited = visit_latest(*database_, head, kEndOfTime, [&](const EventPtr& event) {
        if (event->kind == EventKind::removed) {
          snapshot.tombstones.push_back({event->instance, event->at});
        } else {
          snapshot.instances.push_back(event->instance);
        }
      });
      if (!visited) return std::unexpected(std::move(visited.error()));
      return Result<Snapshot>(std::move(snapshot));
    });
  }

  Db<Result<std::vector<EventPtr>>> read_events(Revision after, std::size_t limit) {
    auto events = events_of_one_moment(after, limit);
    const Revision seen = events && *events ? newest_of(**events) : Revision{};
    return durable(std::move(events), seen);
  }

  Db<Result<std::vector<EventPtr>>> events_of_one_moment(Revision after, std::size_t limit) {
    using Answer = Result<std::vector<EventPtr>>;
    return at_one_moment([&](const Head& head) -> Db<Answer> {
      if (after < head.compacted) return Answer(too_old(after));
      const auto first = database_->run({events_after(after, limit)});
      if (!first) return std::unexpected(first.error());
      std::vector<EventPtr> events;
      auto taken = take_rest_of_events(*database_, first->front(), limit, events);
      if (!taken) return std::unexpected(std::move(taken.error()));
      return Answer(std::move(events));
    });
  }

  Db<Result<std::vector<InstancePtr>>> read_state(Revision revision, const Filter& filter) {
    using Answer = Result<std::vector<InstancePtr>>;
    return at_one_moment([&](const Head& head) -> Db<Answer> {
      if (revision < head.compacted) return Answer(too_old(revision));
      if (revision > head.position.revision) {
        return Answer(fail(ErrorCode::not_found, "the log hasn't come that far yet"));
      }
      std::vector<InstancePtr> instances;
      const auto take = [&](const EventPtr& event) {
        if (event->kind != EventKind::removed && filter.matches(*event->instance)) instances.push_back(event->instance);
      };
      auto visited = visit_latest(*database_, head, revision, take);
      if (visited) visited = visit_replaced(*database_, head, revision, take);
      if (!visited) return std::unexpected(std::move(visited.error()));
      std::ranges::sort(instances, {}, [](const InstancePtr& instance) { return instance->number; });
      return Answer(std::move(instances));
    });
  }

  // ---- beside the log ----

  Db<Result<void>> try_save_leases(const LeaseMarks& marks) {
    auto calls = begin_saving_marks(*database_, marks);
    if (!calls) return std::unexpected(std::move(calls.error()));
    if (calls->empty()) {
      return undone(Result<void>(fail(ErrorCode::conflict, "leases have been saved by a later reaper")));
    }
    return answered<void>(decide(std::move(*calls)));
  }

  Db<Result<bool>> try_prune(WallTime now) {
    auto begun = database_->run({call(Sql::begin_write), call(Sql::head_to_write)});
    if (!begun) return std::unexpected(std::move(begun.error()));
    const auto head = learn(begun->at(1));
    if (!head) return std::unexpected(head.error());
    auto step = plan_prune(*database_, options_, *head, now);
    if (!step) return std::unexpected(std::move(step.error()));
    if (auto done = decide(std::move(step->calls)); !done) return std::unexpected(std::move(done.error()));
    compacted_ = step->compacted;
    return Result<bool>(step->more);
  }

  const PostgresOptions options_;
  const ConnectionInfo info_;
  const Generation generation_;
  const SystemClock clock_;
  std::optional<Database> database_;  ///< none after a failure, until it is opened again
  MonoTime reopen_at_{};
  Error reopening_failed_;
  bool deciding_ = false;   ///< a COMMIT is under way
  bool decided_ = false;    ///< and has come to pass, though perhaps not on disk yet
  bool undecided_ = false;  ///< a COMMIT may be under way of which nothing will be heard
  StoreHealth health_;
  Revision newest_, compacted_;  ///< as last read
  RevisionRanges own_;
  std::unique_ptr<GrowthListener> listener_;  ///< none where nobody wants to be told
};

}  // namespace
}  // namespace postgres

bool is_postgres_connection(std::string_view text) noexcept {
  return text.starts_with("postgres://") || text.starts_with("postgresql://") || text.contains('=');
}

Result<void> check_postgres_connection(const std::string& text) {
  const auto info = postgres::read_connection_string(text);
  if (!info) return std::unexpected(info.error());
  return {};
}

bool has_postgres_password(const std::string& text) { return postgres::has_password(text); }
bool is_postgres_schema(std::string_view name) noexcept { return postgres::is_schema_name(name); }

Result<std::unique_ptr<Store>> open_postgres_store(const PostgresOptions& options) {
  auto info = postgres::read_connection_string(options.connection);
  if (!info) return std::unexpected(std::move(info.error()));
  auto database = postgres::open_database(options, *info, postgres::OpenMode::first);
  if (!database) return std::unexpected(postgres::to_error(database.error()));
  return std::make_unique<postgres::PostgresStore>(options, std::move(*info), std::move(*database));
}

}  // namespace rollcall
