#pragma once
// Which leases a node has renewed, for the others: numbers that rise, each with the age of its last beat. Pure.
//
// A version, then for each lease two numbers of 7 bits a byte, the lowest first: the distance from the number before,
// and the age in units of 8 ms. A digest that is read says when at the latest a beat came: ages are rounded down, and
// the time between making and reading counts as none. So nobody runs out of time by a slow way.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/store.hpp"

namespace rollcall {

/// Empty if there are no marks. `now`: on the clock of the marks.
[[nodiscard]] std::string encode_digest(std::vector<LeaseMark> marks, std::chrono::milliseconds now);

/// Calls `take` with each lease and the age of its beat. `incompatible`: it isn't a digest, or a newer one; what came
/// before the fault has been taken.
[[nodiscard]] Result<void> decode_digest(std::string_view bytes,
                                         const std::function<void(InstanceNumber, std::chrono::milliseconds)>& take);

}  // namespace rollcall
