#pragma once
// What a list of instances is asked to leave out.
#include <string_view>

#include "base/error.hpp"
#include "catalog/encoded_list.hpp"

namespace rollcall::api {

/// Of a query string with `status`, `source` and `tag`; another parameter or a value that none has is refused, naming
/// it as the field.
[[nodiscard]] Result<PieceFilter> list_filter(std::string_view query);
/// The same where the query may hold other parameters, which the caller has checked.
[[nodiscard]] Result<PieceFilter> list_filter_among(std::string_view query);

}  // namespace rollcall::api
