#include "api/fresh_read.hpp"

#include <fmt/format.h>

#include "api/query.hpp"
#include "http/await_callback.hpp"

namespace rollcall::api {
namespace {

constexpr std::string_view kConsistent = "consistent";
constexpr std::string_view kMinRevision = "min_revision";

struct Wanted {
  bool consistent = false;
  Revision at_least;
  std::string query;  ///< the rest of it
};

std::string_view name_of_parameter(std::string_view parameter) { return parameter.substr(0, parameter.find('=')); }

Result<Wanted> wanted_in(std::string_view query) {
  Wanted wanted;
  const auto at_least = whole_number(query, kMinRevision, 0, kMaxRevision);
  if (!at_least) return std::unexpected(at_least.error());
  wanted.at_least = Revision{at_least->value_or(0)};
  while (!query.empty()) {
    const auto parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
    const auto name = name_of_parameter(parameter);
    if (name == kConsistent) {
      if (const auto value = parameter.substr(name.size()); !value.empty() && value != "=true" && value != "=") {
        return fail(ErrorCode::invalid, "takes no value", std::string(kConsistent));
      }
      wanted.consistent = true;
    } else if (name != kMinRevision) {
      if (!wanted.query.empty()) wanted.query += '&';
      wanted.query += parameter;
    }
  }
  return wanted;
}

boost::asio::awaitable<Response> wait_and_read(PartsPtr parts, Request request, Wanted wanted,
                                               std::function<Answer(const Request&)> read) {
  auto pending = http::await_callback<Result<void>>([parts](auto done) { parts->registry.catch_up(std::move(done)); });
  const auto caught_up = co_await std::move(pending);
  if (!caught_up) co_return http::problem(caught_up.error());
  if (const auto have = parts->catalog.revision(); have < wanted.at_least) {
    co_return http::problem({ErrorCode::invalid,
                             fmt::format("the log ends at {}; was it given by another log?", have.value),
                             std::string(kMinRevision)});
  }
  request.query = wanted.query;
  auto answer = read(request);
  if (auto* ready = std::get_if<Response>(&answer)) co_return std::move(*ready);
  auto* later = std::get_if<boost::asio::awaitable<Response>>(&answer);
  if (later == nullptr) {
    co_return http::problem({ErrorCode::invalid, "can't be asked for together with index", std::string(kMinRevision)});
  }
  co_return co_await std::move(*later);
}

}  // namespace

bool asks_for_freshness(std::string_view query) noexcept {
  return !query.empty() && (query.contains(kConsistent) || query.contains(kMinRevision));
}

Answer when_fresh(PartsPtr parts, const Request& request, std::function<Answer(const Request&)> read) {
  auto wanted = wanted_in(request.query);
  if (!wanted) return http::problem(wanted.error());
  if (!wanted->consistent && parts->catalog.revision() >= wanted->at_least) {
    Request rest = request;
    rest.query = wanted->query;
    return read(rest);
  }
  return wait_and_read(std::move(parts), request, *std::move(wanted), std::move(read));
}

}  // namespace rollcall::api
