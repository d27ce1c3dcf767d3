#include <fmt/format.h>

#include <iterator>

#include "http/message.hpp"
#include "http/text.hpp"

namespace rollcall::http {
namespace {

// What a client that met a full queue or a Store that can't write should wait before it tries again.
constexpr unsigned kRetryAfterSeconds = 1;

}  // namespace

std::string_view reason_of(unsigned status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

Response problem(const Error& error) { return problem(http_status_of(error.code), error); }

Response problem(unsigned status, const Error& error) {
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  if (status == 503) response.retry_after_s = kRetryAfterSeconds;
  auto& json = response.body.before;
  json.reserve(160 + error.message.size() + error.field.size());
  fmt::format_to(std::back_inserter(json), R"({{"type":"urn:rollcall:problem:{}","title":"{}","status":{},"detail":)",
                 name_of(error.code), reason_of(status), status);
  append_json_string(error.message, json);
  if (!error.field.empty()) {
    json += R"(,"field":)";
    append_json_string(error.field, json);
  }
  json += '}';
  return response;
}

}  // namespace rollcall::http
