#include "store/sqlite/log_tables.hpp"

#include "store/event_row.hpp"

namespace rollcall::sqlite {
namespace {

struct Prepared {
  Statement& into;
  std::string_view sql;
};

Db<void> prepare_all(Connection& connection, std::initializer_list<Prepared> all) {
  for (const Prepared& one : all) {
    auto statement = connection.prepare(one.sql);
    if (!statement) return std::unexpected(statement.error());
    one.into = std::move(*statement);
  }
  return {};
}

Db<EventPtr> decoded(std::uint64_t revision, std::uint64_t previous, std::string_view body) {
  auto event = read_row(Revision{revision}, Revision{previous}, body);
  if (!event) return damaged(event.error() + " (revision " + std::to_string(revision) + ")");
  return std::move(*event);
}

/// Runs `statement`, whose rows are revision, previous and body, to its end.
Db<void> visit_events(Statement& statement, const std::function<void(EventPtr)>& visit) {
  const ResetAtEnd reset(statement);
  while (true) {
    const auto row = statement.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    auto event = decoded(statement.number(0), statement.number(1), statement.bytes(2));
    if (!event) return std::unexpected(std::move(event.error()));
    visit(std::move(*event));
  }
}

/// The number in the only column of the only row; 0 when there is none.
Db<std::uint64_t> only_number(Statement& statement) {
  const ResetAtEnd reset(statement);
  const auto row = statement.step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement.number(0) : 0;
}

}  // namespace

Db<LogTables> LogTables::prepare(Connection& connection) {
  LogTables tables;
  const auto prepared = prepare_all(
      connection,
      {
          {tables.insert_event_, "INSERT INTO events VALUES(?1,?2,?3)"},
          {tables.put_instance_, "INSERT OR REPLACE INTO instances VALUES(?1,?2)"},
          {tables.insert_tombstone_, "INSERT INTO tombstones VALUES(?1,?2)"},
          {tables.erase_event_, "DELETE FROM events WHERE revision=?1"},
          {tables.erase_instance_, "DELETE FROM instances WHERE number=?1"},
          {tables.erase_tombstone_, "DELETE FROM tombstones WHERE revision=?1"},
          {tables.oldest_tombstones_,
           "SELECT t.revision,t.number,e.body FROM tombstones t JOIN events e USING(revision)"
           " ORDER BY t.revision LIMIT ?1"},
          {tables.has_tombstone_, "SELECT 1 FROM tombstones WHERE revision=?1"},
          {tables.oldest_after_,
           "SELECT revision,previous,body FROM events WHERE revision>?1 ORDER BY revision LIMIT ?2"},
          {tables.newest_revision_, "SELECT max(revision) FROM events"},
          {tables.newest_number_, "SELECT max(number) FROM instances"},
          {tables.has_instances_, "SELECT 1 FROM instances WHERE number BETWEEN ?1 AND ?2 LIMIT 1"},
          {tables.latest_of_, "SELECT revision FROM instances WHERE number=?1"},
          {tables.find_, "SELECT previous,body FROM events WHERE revision=?1"},
          {tables.read_, "SELECT revision,previous,body FROM events WHERE revision>?1 ORDER BY revision LIMIT ?2"},
          {tables.latest_,
           "SELECT i.revision,e.previous,e.body FROM instances i LEFT JOIN events e ON e.revision=i.revision"
           " WHERE i.revision<=?1 ORDER BY i.number"},
          {tables.replaced_,
           "SELECT p.revision,p.previous,p.body FROM events e JOIN events p ON p.revision=e.previous"
           " WHERE e.revision>?1 AND e.previous BETWEEN 1 AND ?1"},
          {tables.scan_up_,
           "SELECT revision,previous,body FROM events WHERE revision>?1 AND revision<?2 ORDER BY revision"},
          {tables.scan_down_,
           "SELECT revision,previous,body FROM events WHERE revision>?1 AND revision<?2 ORDER BY revision DESC"},
      });
  if (!prepared) return std::unexpected(prepared.error());
  return tables;
}

Db<void> LogTables::insert(const Event& event) {
  const std::uint64_t number = event.instance->number.value;
  body_.clear();
  append_row(event, body_);
  auto done = insert_event_.bind(1, event.revision.value).bind(2, event.previous.value).bind_blob(3, body_).run();
  if (done) done = put_instance_.bind(1, number).bind(2, event.revision.value).run();
  // Only a registration follows a removal.
  if (done && event.kind == EventKind::registered && event.previous) done = erase_tombstone(event.previous);
  if (done && event.kind == EventKind::removed) {
    done = insert_tombstone_.bind(1, event.revision.value).bind(2, number).run();
  }
  return done;
}

Db<void> LogTables::erase_event(Revision revision) { return erase_event_.bind(1, revision.value).run(); }
Db<void> LogTables::erase_instance(InstanceNumber number) { return erase_instance_.bind(1, number.value).run(); }
Db<void> LogTables::erase_tombstone(Revision revision) { return erase_tombstone_.bind(1, revision.value).run(); }

Db<std::vector<LogTables::TombstoneRow>> LogTables::oldest_tombstones(std::size_t limit) {
  std::vector<TombstoneRow> rows;
  const ResetAtEnd reset(oldest_tombstones_);
  oldest_tombstones_.bind(1, limit);
  while (true) {
    const auto row = oldest_tombstones_.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return rows;
    const auto head = read_head(oldest_tombstones_.bytes(2));
    if (!head) return damaged(head.error());
    rows.push_back({Revision{oldest_tombstones_.number(0)}, InstanceNumber{oldest_tombstones_.number(1)}, head->at});
  }
}

Db<bool> LogTables::has_tombstone(Revision revision) {
  const auto found = only_number(has_tombstone_.bind(1, revision.value));
  if (!found) return std::unexpected(found.error());
  return *found != 0;
}

Db<std::vector<LogTables::OldEvent>> LogTables::oldest_after(Revision compacted, std::size_t limit) {
  std::vector<OldEvent> events;
  const ResetAtEnd reset(oldest_after_);
  oldest_after_.bind(1, compacted.value).bind(2, limit);
  while (true) {
    const auto row = oldest_after_.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return events;
    const auto head = read_head(oldest_after_.bytes(2));
    if (!head) return damaged(head.error());
    events.push_back({Revision{oldest_after_.number(0)}, Revision{oldest_after_.number(1)}, head->at,
                      head->kind == EventKind::removed});
  }
}

Db<Revision> LogTables::newest_revision() {
  const auto newest = only_number(newest_revision_);
  if (!newest) return std::unexpected(newest.error());
  return Revision{*newest};
}

Db<InstanceNumber> LogTables::newest_number() {
  const auto newest = only_number(newest_number_);
  if (!newest) return std::unexpected(newest.error());
  return InstanceNumber{*newest};
}

Db<bool> LogTables::has_instances(InstanceNumber from, InstanceNumber to) {
  const auto found = only_number(has_instances_.bind(1, from.value).bind(2, to.value));
  if (!found) return std::unexpected(found.error());
  return *found != 0;
}

Db<Revision> LogTables::latest_of(InstanceNumber number) {
  const auto found = only_number(latest_of_.bind(1, number.value));
  if (!found) return std::unexpected(found.error());
  return Revision{*found};
}

Db<EventPtr> LogTables::find(Revision revision) {
  const ResetAtEnd reset(find_);
  const auto row = find_.bind(1, revision.value).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return EventPtr();
  return decoded(revision.value, find_.number(0), find_.bytes(1));
}

Db<std::vector<EventPtr>> LogTables::read(Revision after, std::size_t limit) {
  std::vector<EventPtr> events;
  const auto visited = visit_events(read_.bind(1, after.value).bind(2, limit),
                                    [&](EventPtr event) { events.push_back(std::move(event)); });
  if (!visited) return std::unexpected(visited.error());
  return events;
}

Db<void> LogTables::visit_latest(Revision upto, const std::function<void(EventPtr)>& visit) {
  return visit_events(latest_.bind(1, upto.value), visit);
}

Db<void> LogTables::visit_replaced(Revision revision, const std::function<void(EventPtr)>& visit) {
  return visit_events(replaced_.bind(1, revision.value), visit);
}

Db<void> LogTables::scan(Revision after, Revision before, bool newest_first,
                         const std::function<Db<bool>(const Row&)>& visit) {
  Statement& statement = newest_first ? scan_down_ : scan_up_;
  const ResetAtEnd reset(statement);
  statement.bind(1, after.value).bind(2, before.value);
  while (true) {
    const auto row = statement.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    const auto more = visit({Revision{statement.number(0)}, Revision{statement.number(1)}, statement.bytes(2)});
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
  }
}

}  // namespace rollcall::sqlite
