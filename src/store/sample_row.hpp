#pragma once
// The bytes of what a node tells of samples. Times are ages, so that nodes need no common clock.
#include <expected>
#include <string>
#include <string_view>

#include "store/sample_board.hpp"

namespace rollcall {

[[nodiscard]] std::string to_row(const SampleNews& news, WallTime now);

/// `now` stands for the moment at which it was told. The error is a sentence about the row.
[[nodiscard]] std::expected<SampleNews, std::string> read_sample_row(std::string_view row, WallTime now);

}  // namespace rollcall
