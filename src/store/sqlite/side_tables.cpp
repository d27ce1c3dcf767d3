#include "store/sqlite/side_tables.hpp"

#include <algorithm>
#include <utility>

#include "store/mark_chunk.hpp"

namespace rollcall::sqlite {
namespace {

constexpr std::uint64_t kChunkMarks = 800;  // a full chunk just fits a page

Db<std::string> text_of(Statement& statement) {
  const ResetAtEnd reset(statement);
  const auto row = statement.step();
  if (!row) return std::unexpected(row.error());
  return *row ? std::string(statement.bytes(0)) : std::string();
}

}  // namespace

Db<SideTables> SideTables::prepare(Connection& connection) {
  SideTables tables;
  const std::pair<Statement*, std::string_view> all[] = {
      {&tables.get_meta_, "SELECT value FROM meta WHERE key=?1"},
      {&tables.set_meta_, "INSERT OR REPLACE INTO meta VALUES(?1,?2)"},
      {&tables.get_chunk_, "SELECT beats FROM lease_marks WHERE chunk=?1"},
      {&tables.put_chunk_, "INSERT OR REPLACE INTO lease_marks VALUES(?1,?2)"},
      {&tables.erase_chunk_, "DELETE FROM lease_marks WHERE chunk=?1"},
      {&tables.all_chunks_, "SELECT chunk,beats FROM lease_marks ORDER BY chunk"},
      {&tables.get_outbox_, "SELECT confirmed FROM outboxes WHERE name=?1"},
      {&tables.put_outbox_, "INSERT OR REPLACE INTO outboxes VALUES(?1,?2)"},
      {&tables.all_outboxes_, "SELECT name,confirmed FROM outboxes ORDER BY name"},
  };
  for (const auto& [into, sql] : all) {
    auto statement = connection.prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    *into = std::move(*statement);
  }
  return tables;
}

Db<std::uint64_t> SideTables::meta(Meta key) {
  const ResetAtEnd reset(get_meta_);
  const auto row = get_meta_.bind(1, std::to_underlying(key)).step();
  if (!row) return std::unexpected(row.error());
  return *row ? get_meta_.number(0) : 0;
}

Db<void> SideTables::set_meta(Meta key, std::uint64_t value) {
  return set_meta_.bind(1, std::to_underlying(key)).bind(2, value).run();
}

SideTables::Range SideTables::chunk_of(InstanceNumber number) noexcept {
  const std::uint64_t first = number.value / kChunkMarks * kChunkMarks;
  return {InstanceNumber{first}, InstanceNumber{first + kChunkMarks - 1}};
}

Db<void> SideTables::save_marks(std::span<const LeaseMark> marks) {
  std::vector<LeaseMark> sorted(marks.begin(), marks.end());
  std::ranges::sort(sorted, {}, &LeaseMark::number);
  for (auto next = sorted.begin(); next != sorted.end();) {
    const std::uint64_t chunk = next->number.value / kChunkMarks;
    auto beats = text_of(get_chunk_.bind(1, chunk));
    if (!beats) return std::unexpected(beats.error());
    for (; next != sorted.end() && next->number.value / kChunkMarks == chunk; ++next) {
      put_mark(*beats, next->number.value % kChunkMarks, next->last_beat);
    }
    if (auto put = put_chunk_.bind(1, chunk).bind_blob(2, *beats).run(); !put) return put;
  }
  return {};
}

Db<void> SideTables::forget_mark(InstanceNumber number) {
  const std::uint64_t chunk = number.value / kChunkMarks;
  auto beats = text_of(get_chunk_.bind(1, chunk));
  if (!beats) return std::unexpected(beats.error());
  if (!drop_mark(*beats, number.value % kChunkMarks)) return {};
  return put_chunk_.bind(1, chunk).bind_blob(2, *beats).run();
}

Db<std::vector<LeaseMark>> SideTables::load_marks() {
  std::vector<LeaseMark> all;
  const auto visited = visit_marks([&](std::span<const LeaseMark> marks) {
    all.insert(all.end(), marks.begin(), marks.end());
    return true;
  });
  if (!visited) return std::unexpected(visited.error());
  return all;
}

Db<void> SideTables::visit_marks(const std::function<bool(std::span<const LeaseMark>)>& visit) {
  std::vector<LeaseMark> marks;
  const ResetAtEnd reset(all_chunks_);
  while (true) {
    const auto row = all_chunks_.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    const std::uint64_t first = all_chunks_.number(0) * kChunkMarks;
    const auto beats = all_chunks_.bytes(1);
    if (beats.size() % kMarkBytes != 0 || beats.size() > kChunkMarks * kMarkBytes) {
      return damaged("a chunk of lease marks has " + std::to_string(beats.size()) + " bytes");
    }
    marks.clear();
    append_marks(beats, InstanceNumber{first}, marks);
    if (!visit(marks)) return {};
  }
}

Db<void> SideTables::erase_chunk(InstanceNumber number) {
  return erase_chunk_.bind(1, number.value / kChunkMarks).run();
}

Db<std::optional<Revision>> SideTables::outbox(std::string_view name) {
  const ResetAtEnd reset(get_outbox_);
  const auto row = get_outbox_.bind_text(1, name).step();
  if (!row) return std::unexpected(row.error());
  return *row ? std::optional(Revision{get_outbox_.number(0)}) : std::nullopt;
}

Db<std::vector<std::pair<std::string, Revision>>> SideTables::outboxes() {
  std::vector<std::pair<std::string, Revision>> all;
  const ResetAtEnd reset(all_outboxes_);
  while (true) {
    const auto row = all_outboxes_.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return all;
    all.emplace_back(all_outboxes_.bytes(0), Revision{all_outboxes_.number(1)});
  }
}

Db<void> SideTables::set_outbox(std::string_view name, Revision confirmed) {
  return put_outbox_.bind_text(1, name).bind(2, confirmed.value).run();
}

}  // namespace rollcall::sqlite
