#pragma once
// Requests and responses free of sockets, the same for every protocol version.
#include <array>
#include <boost/container/small_vector.hpp>
#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "http/stream.hpp"

namespace rollcall::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, options, patch, other };
[[nodiscard]] std::string_view name_of(Method method) noexcept;
[[nodiscard]] Method method_from(std::string_view name) noexcept;

/// Views into the connection's buffer: valid until the response has been produced.
struct Request {
  Method method = Method::get;
  std::string_view path;   ///< still percent-encoded, begins with '/'; "*" in OPTIONS alone
  std::string_view query;  ///< still percent-encoded, without '?'
  std::string_view body;
  std::string_view peer_address;  ///< numeric, of the connection
  /// The header fields that Rollcall looks at; others are counted against the limits and dropped. Empty: absent.
  std::string_view host, origin, content_type, if_none_match, accept, authorization, accept_encoding, last_event_id;
  /// The path's segments that the route's {names} stand for, percent-decoded, in the route's order. Set by the Router.
  boost::container::small_vector<std::string, 2> params;

  /// The views into the request's first line and header fields.
  [[nodiscard]] std::array<std::string_view*, 10> head() noexcept {
    return {&path,          &query,  &host,          &origin,          &content_type,
            &if_none_match, &accept, &authorization, &accept_encoding, &last_event_id};
  }
};

/// The first value of `name` in a query string, percent-decoded ('+' is a space); nullopt if absent. Fails on bad
/// escapes.
[[nodiscard]] Result<std::optional<std::string>> query_value(std::string_view query, std::string_view name);
/// Fails naming the first parameter that isn't in `allowed`.
[[nodiscard]] Result<void> check_query(std::string_view query, std::initializer_list<std::string_view> allowed);
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);
/// The same into a buffer that keeps its capacity; false on a bad escape.
[[nodiscard]] bool percent_decode_into(std::string_view text, std::string& out);
[[nodiscard]] std::string percent_encode_segment(std::string_view text);

/// Bytes in three parts, sent with one writev: `before`, then the shared pieces, then `after`.
/// A small body is `before` alone.
struct Body {
  std::string before;
  boost::container::small_vector<std::string_view, 4> shared;
  boost::local_shared_ptr<const void> owner;  ///< keeps `shared` valid
  std::string after;

  [[nodiscard]] std::size_t size() const noexcept;
  /// Its parts in their order, of which some may be empty.
  [[nodiscard]] std::size_t pieces() const noexcept { return shared.size() + 2; }
  [[nodiscard]] std::string_view piece(std::size_t index) const noexcept;
  [[nodiscard]] std::string str() const;
};

struct Header {
  std::string_view name;  ///< a literal, as HTTP/1.1 writes it: "Vary"
  std::string value;
};

struct Response {
  unsigned status = 200;
  std::string_view content_type = "application/json";  ///< a literal; not sent with an empty body of 204 or 304
  std::string etag;  ///< with its W/"..."; the protocol layer answers 304 where If-None-Match has it
  std::string location;
  std::string_view allow;  ///< for 405 and OPTIONS; must outlive the response
  std::string_view cache_control = "no-store";
  std::string_view vary;  ///< a literal; `headers` may have more of them
  unsigned retry_after_s = 0;
  std::vector<Header> headers;  ///< further ones
  Body body;
  std::unique_ptr<BodyStream> stream;  ///< in place of `body`
};

[[nodiscard]] Response json_response(unsigned status, std::string json);

/// `application/problem+json` (RFC 9457): type, title, status, detail, and `field` where one is at fault.
[[nodiscard]] Response problem(const Error& error);
/// The same with a status that no ErrorCode stands for (431, 501, 505).
[[nodiscard]] Response problem(unsigned status, const Error& error);

/// "OK", "Not Found", ...
[[nodiscard]] std::string_view reason_of(unsigned status) noexcept;

}  // namespace rollcall::http
