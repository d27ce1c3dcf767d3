#pragma once
// The bytes of an event in its row: compact, versioned, and with a checksum, since an engine may have none of its own.
#include <expected>
#include <string>
#include <string_view>

#include "model/event.hpp"

namespace rollcall {

/// Appends everything of `event` but its revision and `previous`, which are columns.
void append_row(const Event& event, std::string& out);

/// The front of a row, enough to choose by. Borrows from the row.
struct RowHead {
  EventKind kind = EventKind::registered;
  InstanceNumber number;
  WallTime at;
  std::string_view id, service;
};

/// Errors are sentences about the row: from a newer program, or damaged.
[[nodiscard]] std::expected<RowHead, std::string> read_head(std::string_view row);
[[nodiscard]] std::expected<EventPtr, std::string> read_row(Revision revision, Revision previous, std::string_view row);

}  // namespace rollcall
