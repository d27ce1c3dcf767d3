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

bool is_success(unsigned status) noexcept { return status >= 200 && status <= 299; }

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Runs it to its end.
template <class T>
T completed(asio::awaitable<T> task) {
  asio::io_context context(1);
  auto pending = asio::co_spawn(context, std::move(task), asio::use_future);
  context.run();
  return pending.get();
}

/// Flags are an error where they have no effect: who gives them believes that the daemon's certificate is looked at.
Result<net::TlsClientFiles> tls_files(const Common& common, bool secure) {
  net::TlsClientFiles files{common.cacert, common.cert, common.key};
  for (const auto& [flag, path] : {std::pair("--cacert", files.ca), {"--cert", files.cert}, {"--key", files.key}}) {
    if (!secure && !path.empty()) return fail(ErrorCode::invalid, "is for https://HOST:PORT alone", flag);
  }
  if (files.ca.empty()) files.ca = variable("ROLLCALL_CACERT");
  return files;
}

}  // namespace

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

Result<Client> Client::open(const Common& common) {
  auto server = find_server(common.server);
  if (!server) return std::unexpected(server.error());
  Client client;
  client.server_ = *std::move(server);
  client.token_ = variable("ROLLCALL_TOKEN");
  auto files = tls_files(common, client.server_.secure);
  if (!files) return std::unexpected(files.error());
  if (!client.server_.secure) return client;
  auto context = net::load_tls_client(*files);
  if (!context) return std::unexpected(context.error());
  client.tls_ = net::TlsPeer{*std::move(context), client.server_.host};
  return client;
}

net::HttpRequest Client::request_for(std::string target, std::chrono::milliseconds timeout) const {
  net::HttpRequest request;
  request.endpoint = server_.endpoint;
  request.target = std::move(target);
  request.timeout = timeout;
  request.connect_timeout = std::min(timeout, kConnectTimeout);
  request.max_body_bytes = kMaxAnswerBytes;
  if (!token_.empty()) request.authorization = "Bearer " + token_;
  if (!tls_) return request;
  // The name that the certificate is for. In the clear it's the address, of which every daemon knows that it is its
  // own.
  const bool is_v6 = server_.host.contains(':');
  request.host = fmt::format("{}{}{}:{}", is_v6 ? "[" : "", server_.host, is_v6 ? "]" : "", server_.endpoint.port());
  request.tls = tls_;
  return request;
}

Result<Answer> Client::ask(Verb verb, std::string target, std::string body, std::chrono::milliseconds timeout) const {
  auto request = request_for(std::move(target), timeout);
  request.method = verb;
  request.body = std::move(body);
  auto reply = completed(net::send(std::move(request)));
  if (!reply) return std::unexpected(explained(std::move(reply.error())));
  if (reply->body_cut) return fail(ErrorCode::too_large, "the daemon's answer is too long");
  if (!is_success(reply->status)) return std::unexpected(error_of(reply->status, reply->body));
  return Answer{reply->status, std::move(reply->body)};
}

Result<void> Client::follow(std::string target, net::TakePiece take, std::chrono::milliseconds idle_timeout) const {
  bool heard = false;
  const auto listen = [&](std::string_view piece) {
    heard = true;
    return take(piece);
  };
  auto reply = completed(net::stream(request_for(std::move(target), kAskTimeout), listen, idle_timeout));
  if (!reply && !heard) return std::unexpected(explained(std::move(reply.error())));
  if (!reply && reply.error().why == net::Unreachable::timed_out)
    return fail(ErrorCode::timeout, "the daemon is silent");
  if (!reply) return fail(ErrorCode::unavailable, "the connection with the daemon broke");
  if (!is_success(reply->status)) return std::unexpected(error_of(reply->status, reply->body));
  return {};
}

Error Client::explained(net::ConnectFailure failure) const {
  // A daemon under TLS says nothing to who doesn't speak it.
  const bool hung_up = failure.connected && failure.why == net::Unreachable::broken && !server_.secure;
  if (hung_up && completed(net::speaks_tls(server_.endpoint, kConnectTimeout))) {
    return {
        ErrorCode::unavailable,
        fmt::format("{} speaks TLS: ask https://{}", net::to_text(server_.endpoint), net::to_text(server_.endpoint)),
        {}};
  }
  return {ErrorCode::unavailable, std::move(failure.evidence), {}};
}

Result<json::value> Client::get(std::string target) const {
  const auto answer = ask(Verb::get, std::move(target));
  if (!answer) return std::unexpected(answer.error());
  boost::system::error_code broken;
  auto value = json::parse(answer->body, broken);
  if (broken) return fail(ErrorCode::incompatible, fmt::format("{} is no Rollcall", net::to_text(server_.endpoint)));
  return value;
}

std::string text_of(const json::value& object, std::string_view member) {
  const auto* value = member_of(object, member);
  if (value == nullptr || value->is_null()) return {};
  if (const auto* text = value->if_string()) return std::string(*text);
  if (const auto* real = value->if_double()) return fmt::format("{:.3f}", *real);
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
