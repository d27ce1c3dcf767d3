#include "store/postgres/log_tables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "store/event_row.hpp"
#include "store/postgres/event_columns.hpp"

namespace rollcall::postgres {
namespace {

constexpr std::size_t kPageRows = 5'000;

Db<EventPtr> event_of(const Rows& rows, int row) {
  const Revision revision{rows.number(row, 0)};
  if (rows.is_null(row, 2)) return damaged(fmt::format("event {} is missing", revision.value));
  auto event = read_row(revision, Revision{rows.number(row, 1)}, rows.bytes(row, 2));
  if (!event) return damaged(fmt::format("{} (revision {})", event.error(), revision.value));
  return std::move(*event);
}

std::size_t size_of(const Rows& rows) { return static_cast<std::size_t>(rows.size()); }

/// One walk over the past.
class Scan {
 public:
  Scan(const HistoryQuery& query, std::size_t most_looked_at)
      : query_(query),
        left_(most_looked_at),
        last_(query.newest_first ? query.before.value_or(kEndOfTime) : query.after) {}

  Db<HistoryPage> run(Database& database) {
    std::size_t size = std::min(query_.limit, kPageRows - 1) + 1;
    for (;;) {
      // One more than may be looked at: whether there is more is to be told as well.
      size = std::min(size, left_ + 1);
      const auto rows = database.run({next_rows(size)});
      if (!rows) return std::unexpected(rows.error());
      const auto full = look_at(rows->front());
      if (!full) return std::unexpected(full.error());
      if (*full || size_of(rows->front()) < size) return std::move(page_);
      size = std::min(4 * size, kPageRows);
    }
  }

 private:
  [[nodiscard]] Call next_rows(std::size_t size) const {
    const Revision after = query_.newest_first ? query_.after : last_;
    const Revision before = query_.newest_first ? last_ : query_.before.value_or(kEndOfTime);
    Parameters parameters;
    parameters.number(after.value).number(before.value).time(query_.since).time(query_.until);
    const auto& filter = query_.filter;
    filter.service ? parameters.bytes(readable(filter.service->view())) : parameters.null();
    filter.id ? parameters.bytes(readable(filter.id->view())) : parameters.null();
    return call(query_.newest_first ? Sql::scan_down : Sql::scan_up, std::move(parameters.number(size)));
  }

  /// True when the page is full, or as many were looked at as may be.
  Db<bool> look_at(const Rows& rows) {
    for (int row = 0; row < rows.size(); ++row) {
      if (page_.events.size() >= query_.limit || left_ == 0) {
        page_.resume = last_;
        return true;
      }
      --left_;
      last_ = Revision{rows.number(row, 0)};
      if (rows.is_null(row, 2)) continue;
      auto event = event_of(rows, row);
      if (!event) return std::unexpected(std::move(event.error()));
      if (is_asked_for(**event)) page_.events.push_back(std::move(*event));
    }
    return false;
  }

  [[nodiscard]] bool is_asked_for(const Event& event) const {
    if (query_.since && event.at < *query_.since) return false;
    if (query_.until && event.at > *query_.until) return false;
    return query_.filter.matches(*event.instance);
  }

  const HistoryQuery& query_;
  std::size_t left_;
  Revision last_;
  HistoryPage page_;
};

/// Visits what `sql` finds in a range, whose first place is exclusive, a piece at a time.
struct Range {
  std::uint64_t first, last;
};
Db<void> visit_ranges(Database& database, Sql sql, Range range, Revision revision,
                      const std::function<void(EventPtr)>& visit) {
  for (std::uint64_t first = range.first; first < range.last; first += kPageRows) {
    const std::uint64_t last = std::min<std::uint64_t>(first + kPageRows, range.last);
    const auto rows = database.run({call(sql, Parameters().number(first).number(last).number(revision.value))});
    if (!rows) return std::unexpected(rows.error());
    std::vector<EventPtr> events;
    if (auto taken = take_events(rows->front(), events); !taken) return taken;
    for (auto& event : events) visit(std::move(event));
  }
  return {};
}

}  // namespace

Db<Head> read_head(const Rows& rows) {
  if (rows.size() != 1) return damaged("the log's head is missing");
  return Head{.position = {Revision{rows.number(0, 0)}, InstanceNumber{rows.number(0, 1)}, Term{rows.number(0, 5)}},
              .compacted = Revision{rows.number(0, 2)},
              .event_bytes = rows.number(0, 3),
              .generation = Generation{rows.number(0, 4)}};
}

Db<void> take_events(const Rows& rows, std::vector<EventPtr>& events) {
  for (int row = 0; row < rows.size(); ++row) {
    auto event = event_of(rows, row);
    if (!event) return std::unexpected(std::move(event.error()));
    events.push_back(std::move(*event));
  }
  return {};
}

Call events_after(Revision revision, std::size_t limit) {
  return call(Sql::events_after, Parameters().number(revision.value).number(std::min(limit, kPageRows)));
}

Db<void> take_rest_of_events(Database& database, const Rows& first, std::size_t limit, std::vector<EventPtr>& events) {
  std::size_t left = limit - size_of(first);
  bool full = size_of(first) == std::min(limit, kPageRows);
  if (auto taken = take_events(first, events); !taken) return taken;
  while (full && left > 0) {
    const auto rows = database.run({events_after(events.back()->revision, left)});
    if (!rows) return std::unexpected(rows.error());
    full = size_of(rows->front()) == std::min(left, kPageRows);
    left -= size_of(rows->front());
    if (auto taken = take_events(rows->front(), events); !taken) return taken;
  }
  return {};
}

std::vector<Call> calls_to_store(std::span<const EventPtr> events, const BatchJudge::Position& position,
                                 const std::string& channel) {
  auto columns = columns_of_events(events);
  std::vector<Call> calls{call(Sql::commit_early)};
  calls.push_back(call(Sql::insert_events, std::move(columns.parameters)));
  calls.push_back(call(Sql::put_instances, columns_of_instances(events)));
  calls.push_back(call(
      Sql::set_head, Parameters().number(position.revision.value).number(position.number.value).number(columns.bytes)));
  Array begun_anew(Type::number);
  for (const EventPtr& event : events) {
    if (event->kind == EventKind::registered && event->previous) begun_anew.add(event->instance->number.value);
  }
  if (begun_anew.size() != 0) {
    calls.push_back(call(Sql::lease_clock));
    calls.push_back(call(Sql::forget_marks, Parameters().array(begun_anew)));
  }
  calls.push_back(call(Sql::notify, Parameters().bytes(channel).number(position.revision.value)));
  return calls;
}

Db<void> visit_latest(Database& database, const Head& head, Revision upto, const std::function<void(EventPtr)>& visit) {
  return visit_ranges(database, Sql::latest_upto, {0, head.position.number.value}, upto, visit);
}

Db<void> visit_replaced(Database& database, const Head& head, Revision revision,
                        const std::function<void(EventPtr)>& visit) {
  return visit_ranges(database, Sql::replaced_after, {revision.value, head.position.revision.value}, revision, visit);
}

Db<HistoryPage> read_history(Database& database, const HistoryQuery& query, std::size_t most_looked_at) {
  return Scan(query, most_looked_at).run(database);
}

Db<std::vector<EventPtr>> read_chain(Database& database, Revision newest, std::size_t limit) {
  const auto most = std::min<std::size_t>(limit, kEndOfTime.value);
  const auto rows = database.run({call(Sql::chain, Parameters().number(newest.value).number(most))});
  if (!rows) return std::unexpected(rows.error());
  std::vector<EventPtr> events;
  if (auto taken = take_events(rows->front(), events); !taken) return std::unexpected(std::move(taken.error()));
  return events;
}

}  // namespace rollcall::postgres
