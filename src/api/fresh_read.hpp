#pragma once
// Reads that are asked to be fresh: `?min_revision=N` waits until this node has applied it, `?consistent` until it has
// applied all that the log holds now. Neither waits for long.
#include <functional>
#include <type_traits>

#include "api/answers.hpp"

namespace rollcall::api {

/// Whether a query has either; most have none.
[[nodiscard]] bool asks_for_freshness(std::string_view query) noexcept;

/// Answers by `read` as soon as this node is as fresh as the request asks. `read` sees a query without these
/// parameters.
[[nodiscard]] Answer when_fresh(PartsPtr parts, const Request& request, std::function<Answer(const Request&)> read);

/// A read that answers when it is fresh by `handle`, which is one for at_once() or maybe_later().
template <class Handle>
[[nodiscard]] http::Handler fresh_read(PartsPtr parts, Handle handle) {
  auto read = [parts, handle](const Request& request) -> Answer {
    auto answer = [&] {
      if constexpr (std::is_invocable_v<Handle, const PartsPtr&, const Request&>) {
        return handle(parts, request);
      } else {
        return handle(*parts, request);
      }
    }();
    if (!answer) return http::problem(answer.error());
    return *std::move(answer);
  };
  return http::HybridHandler([parts = std::move(parts), read](const Request& request) -> Answer {
    return asks_for_freshness(request.query) ? when_fresh(parts, request, read) : read(request);
  });
}

}  // namespace rollcall::api
