#include "cli/client.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>

namespace rollcall::cli {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 20;  // a service of half a million instances

ErrorCode code_of(unsigned status) {
  switch (status) {
    case 401:
      return ErrorCode::unauthorized;
    case 403:
      return ErrorCode::forbidden;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::conflict;
    default:
      return status >= 500 ? ErrorCode::unavailable : ErrorCode::invalid;
  }
}

const json::value* member_of(const json::value& object, std::string_view name) {
  const auto* members = object.if_object();
  return members == nullptr ? nullptr : members->if_contains(name);
}

}  // namespace

Result<asio::ip::tcp::endpoint> resolve(std::string_view server) {
  if (const auto endpoint = net::parse_endpoint(server); endpoint && endpoint->port() != 0) return *endpoint;
  const auto colon = server.rfind(':');
  const auto wrong = [&] {
    return fail(ErrorCode::invalid, fmt::format("is \"{}\"; allowed is ADDRESS:PORT, as 127.0.0.1:5001", server),
                "--server");
  };
  if (colon == std::string_view::npos || colon == 0) return wrong();
  const std::string host(server.substr(0, colon));
  const std::string port(server.substr(colon + 1));
  if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos || host.contains(':')) return wrong();
  if (port.size() > 5 || std::stoul(port) == 0 || std::stoul(port) > 65'535) return wrong();
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  boost::system::error_code error;
  const auto found = resolver.resolve(host, port, asio::ip::tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return fail(ErrorCode::unavailable, fmt::format("the name {} can't be resolved: {}", host, error.message()));
  }
  // Daemons listen on IPv4 unless told otherwise, and "localhost" often is ::1 first.
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

Error error_of(unsigned status, std::string_view body) {
  Error error{code_of(status), fmt::format("the daemon answered {}", status), {}};
  boost::system::error_code broken;
  const auto problem = json::parse(body, broken);
  if (broken) return error;
  if (const auto detail = text_of(problem, "detail"); !detail.empty()) error.message = detail;
  error.field = text_of(problem, "field");
  const auto type = text_of(problem, "type");
  const auto name = std::string_view(type).substr(type.find_last_of(":/#") + 1);
  if (const auto code = error_code_from(name)) error.code = *code;
  return error;
}

Result<Client> Client::open(std::string_view server, std::string token) {
  auto endpoint = resolve(server);
  if (!endpoint) return std::unexpected(endpoint.error());
  Client client;
  client.endpoint_ = *endpoint;
  client.token_ = std::move(token);
  return client;
}

Result<Client> Client::open(const Common& common) {
  const char* token = std::getenv("ROLLCALL_TOKEN");
  return open(common.server, token == nullptr ? "" : token);
}

Result<Answer> Client::ask(Verb verb, std::string target, std::string body, std::chrono::milliseconds timeout) const {
  net::HttpRequest request;
  request.endpoint = endpoint_;
  request.target = std::move(target);
  request.timeout = timeout;
  request.connect_timeout = std::min(timeout, kConnectTimeout);
  request.max_body_bytes = kMaxAnswerBytes;
  request.method = verb;
  request.body = std::move(body);
  if (!token_.empty()) request.authorization = "Bearer " + token_;
  asio::io_context context(1);
  auto pending = asio::co_spawn(context, net::send(std::move(request)), asio::use_future);
  context.run();
  auto reply = pending.get();
  if (!reply) return fail(ErrorCode::unavailable, std::move(reply.error().evidence));
  if (reply->body_cut) return fail(ErrorCode::too_large, "the daemon's answer is too long");
  if (reply->status < 200 || reply->status > 299) return std::unexpected(error_of(reply->status, reply->body));
  return Answer{reply->status, std::move(reply->body)};
}

Result<json::value> Client::get(std::string target) const {
  const auto answer = ask(Verb::get, std::move(target));
  if (!answer) return std::unexpected(answer.error());
  boost::system::error_code broken;
  auto value = json::parse(answer->body, broken);
  if (broken) return fail(ErrorCode::incompatible, fmt::format("{} is no Rollcall", net::to_text(endpoint_)));
  return value;
}

std::string text_of(const json::value& object, std::string_view member) {
  const auto* value = member_of(object, member);
  if (value == nullptr || value->is_null()) return {};
  if (const auto* text = value->if_string()) return std::string(*text);
  return json::serialize(*value);
}

const json::array& list_of(const json::value& object, std::string_view member) {
  static const json::array kNone;
  const auto* value = member_of(object, member);
  const auto* list = value == nullptr ? nullptr : value->if_array();
  return list == nullptr ? kNone : *list;
}

std::string address_of(const json::value& instance) {
  const auto address = text_of(instance, "address");
  return fmt::format("{}{}{}:{}", address.contains(':') ? "[" : "", address, address.contains(':') ? "]" : "",
                     text_of(instance, "port"));
}

}  // namespace rollcall::cli
