#pragma once
// Pages of other origins that may ask (the Fetch standard, 3.2). Never with a browser's credentials: a token that a
// page has is sent by the page itself.
#include <span>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace rollcall::http {

/// `origins` has it as it stands there ("https://desk.example:8443"), or has "*".
[[nodiscard]] bool may_ask(std::string_view origin, std::span<const std::string> origins) noexcept;

/// Of a preflight whose origin may ask; the leave itself is add_leave()'s.
[[nodiscard]] Response preflight_answer();

/// Lets the page that has asked read the answer, if its origin may ask.
void add_leave(const Request& request, std::span<const std::string> origins, Response& response);

}  // namespace rollcall::http
