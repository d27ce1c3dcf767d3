#pragma once
// Lease marks of instances whose numbers follow each other, as bytes: a hundred thousand marks are some hundred rows.
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace rollcall {

/// A mark is the lease clock in ms plus one, little-endian (34 years); 0: none.
inline constexpr std::size_t kMarkBytes = 5;

void put_mark(std::string& chunk, std::size_t slot, std::chrono::milliseconds last_beat);

/// False if there was none.
bool drop_mark(std::string& chunk, std::size_t slot);

/// Appends the marks of a chunk whose slot 0 is `first`'s.
void append_marks(std::string_view chunk, InstanceNumber first, std::vector<LeaseMark>& marks);

}  // namespace rollcall
