#include "base/error.hpp"

#include <array>
#include <utility>

namespace rollcall {
namespace {

struct Row {
  std::string_view name;
  unsigned http_status;
};

// clang-format off
constexpr std::array kRows{
    Row{"invalid", 400},
    Row{"not_found", 404},
    Row{"conflict", 409},
    Row{"forbidden", 403},
    Row{"unauthorized", 401},
    Row{"method_not_allowed", 405},
    Row{"media_type", 415},
    Row{"too_large", 413},
    Row{"timeout", 408},
    Row{"compacted", 410},
    Row{"overloaded", 503},
    Row{"unavailable", 503},
    Row{"unknown_outcome", 503},
    Row{"incompatible", 500},
    Row{"internal", 500},
};
// clang-format on
static_assert(kRows.size() == std::to_underlying(ErrorCode::internal) + 1);

const Row& row_of(ErrorCode code) noexcept { return kRows[std::to_underlying(code)]; }

}  // namespace

std::string_view name_of(ErrorCode code) noexcept { return row_of(code).name; }
unsigned http_status_of(ErrorCode code) noexcept { return row_of(code).http_status; }

}  // namespace rollcall
