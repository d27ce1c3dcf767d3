#pragma once
// What is kept beside the log: lease marks, the outbox's positions, and numbers about the log itself.
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"
#include "store/store.hpp"

namespace rollcall::sqlite {

class SideTables {
 public:
  [[nodiscard]] static Db<SideTables> prepare(Connection& connection);

  [[nodiscard]] Db<std::uint64_t> meta(Meta key);
  [[nodiscard]] Db<void> set_meta(Meta key, std::uint64_t value);

  /// Marks lie in chunks of numbers, so that a hundred thousand of them are a hundred rows.
  [[nodiscard]] Db<void> save_marks(std::span<const LeaseMark> marks);
  [[nodiscard]] Db<void> forget_mark(InstanceNumber number);
  [[nodiscard]] Db<std::vector<LeaseMark>> load_marks();
  /// Calls `visit` with the marks of each chunk, as their numbers rise. Stops when it returns false.
  [[nodiscard]] Db<void> visit_marks(const std::function<bool(std::span<const LeaseMark>)>& visit);
  /// The numbers that share a chunk with `number`.
  struct Range {
    InstanceNumber from, to;
  };
  [[nodiscard]] static Range chunk_of(InstanceNumber number) noexcept;
  [[nodiscard]] Db<void> erase_chunk(InstanceNumber number);

  [[nodiscard]] Db<std::optional<Revision>> outbox(std::string_view name);
  [[nodiscard]] Db<void> set_outbox(std::string_view name, Revision confirmed);
  /// By name.
  [[nodiscard]] Db<std::vector<std::pair<std::string, Revision>>> outboxes();

 private:
  Statement get_meta_, set_meta_, get_chunk_, put_chunk_, erase_chunk_, all_chunks_, get_outbox_, put_outbox_,
      all_outboxes_;
};

}  // namespace rollcall::sqlite
