#include "store/postgres/side_tables.hpp"

#include <map>

#include "store/mark_chunk.hpp"

namespace rollcall::postgres {
namespace {

std::uint64_t chunk_of(const LeaseMark& mark) { return mark.number.value / kChunkMarks; }

}  // namespace

Db<std::vector<Call>> begin_saving_marks(Database& database, const LeaseMarks& saved) {
  const auto& marks = saved.marks;
  std::map<std::uint64_t, std::string> chunks;
  for (const LeaseMark& mark : marks) chunks.try_emplace(chunk_of(mark));
  Array keys(Type::number), contents(Type::bytes);
  for (const auto& [chunk, beats] : chunks) keys.add(chunk);
  const auto begun =
      database.run({call(Sql::begin_write), call(Sql::lease_clock), call(Sql::marks_in, Parameters().array(keys))});
  if (!begun) return std::unexpected(begun.error());
  if (saved.term.value < begun->at(1).number(0, 1)) return std::vector<Call>{};
  const Rows& stored = begun->at(2);
  for (int row = 0; row < stored.size(); ++row) chunks[stored.number(row, 0)] = stored.bytes(row, 1);
  for (const LeaseMark& mark : marks) {
    put_mark(chunks[chunk_of(mark)], mark.number.value % kChunkMarks, mark.last_beat);
  }
  for (const auto& [chunk, beats] : chunks) contents.add(beats);
  return std::vector{call(Sql::put_marks, Parameters().array(keys).array(contents)),
                     call(Sql::set_lease_clock,
                          Parameters().number(static_cast<std::uint64_t>(saved.now.count())).number(saved.term.value))};
}

Db<LeaseMarks> load_marks(Database& database) {
  const auto found = database.run({call(Sql::all_marks)});
  if (!found) return std::unexpected(found.error());
  const Rows& rows = found->front();
  if (rows.size() == 0) return damaged("the lease clock is missing");
  LeaseMarks loaded{.now = std::chrono::milliseconds(static_cast<std::int64_t>(rows.number(0, 0))),
                    .marks = {},
                    .term = Term{rows.number(0, 3)}};
  for (int row = 0; row < rows.size(); ++row) {
    if (rows.is_null(row, 1)) continue;
    append_marks(rows.bytes(row, 2), InstanceNumber{rows.number(row, 1) * kChunkMarks}, loaded.marks);
  }
  return loaded;
}

Db<std::optional<Revision>> outbox(Database& database, std::string_view name) {
  const auto found = database.run({call(Sql::get_outbox, Parameters().bytes(readable(name)))});
  if (!found) return std::unexpected(found.error());
  const Rows& rows = found->front();
  return rows.size() == 0 ? std::nullopt : std::optional(Revision{rows.number(0, 0)});
}

Call call_to_set_outbox(std::string_view name, Revision confirmed) {
  return call(Sql::put_outbox, Parameters().bytes(readable(name)).number(confirmed.value));
}

}  // namespace rollcall::postgres
