#pragma once
// Values of query strings that several routes take.
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"

namespace rollcall::api {

inline constexpr std::uint64_t kMaxRevision = (std::uint64_t{1} << 53) - 1;

/// Nothing where the parameter is absent.
[[nodiscard]] Result<std::optional<std::uint64_t>> whole_number(std::string_view query, std::string_view name,
                                                                std::uint64_t min, std::uint64_t max);

}  // namespace rollcall::api
