#pragma once
// What seed 004 calls its cache: what was discovered, and when.
#include <string>

#include "api/answers.hpp"

namespace rollcall::api {

/// `"timestamp":` in whole seconds.
void append_timestamp(std::string& out, const Clock& clock);
/// `"last_refresh":` of what is found by listing; the present where nothing is, for then all is as fresh as the answer.
void append_last_refresh(std::string& out, const ApiParts& parts);
/// A JSON object.
[[nodiscard]] std::string cache_stats(const ApiParts& parts);

}  // namespace rollcall::api
