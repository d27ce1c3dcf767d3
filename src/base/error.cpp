#include "base/error.hpp"

#include <array>
#include <utility>

namespace rollcall {
namespace {

struct Row {
  std::string_view name;
  unsigned http_status;
  int exit_code;
};

// clang-format off
constexpr std::array kRows{
    Row{"invalid", 400, 2},
    Row{"not_found", 404, 1},
    Row{"conflict", 409, 1},
    Row{"forbidden", 403, 4},
    Row{"unauthorized", 401, 4},
    Row{"method_not_allowed", 405, 2},
    Row{"media_type", 415, 2},
    Row{"too_large", 413, 2},
    Row{"timeout", 408, 3},
    Row{"compacted", 410, 1},
    Row{"overloaded", 503, 3},
    Row{"unavailable", 503, 3},
    Row{"unknown_outcome", 503, 3},
    Row{"incompatible", 500, 5},
    Row{"internal", 500, 5},
};
// clang-format on
static_assert(kRows.size() == std::to_underlying(ErrorCode::internal) + 1);

const Row& row_of(ErrorCode code) noexcept { return kRows[std::to_underlying(code)]; }

}  // namespace

std::string_view name_of(ErrorCode code) noexcept { return row_of(code).name; }
unsigned http_status_of(ErrorCode code) noexcept { return row_of(code).http_status; }
int exit_code_of(ErrorCode code) noexcept { return row_of(code).exit_code; }

std::optional<ErrorCode> error_code_from(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<ErrorCode>(i);
  }
  return std::nullopt;
}

}  // namespace rollcall
