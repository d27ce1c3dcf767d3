#include "http/h1/request_parser.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <utility>

#include "http/text.hpp"

namespace rollcall::http::h1 {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

// A body's memory is given back when it is larger than what most bodies are.
constexpr std::size_t kKeptBodyBytes = 16 * 1024;

constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string_view view_of(BeastView text) noexcept { return {text.data(), text.size()}; }

Method method_of(beast::verb verb) noexcept {
  switch (verb) {
    case beast::verb::get:
      return Method::get;
    case beast::verb::head:
      return Method::head;
    case beast::verb::post:
      return Method::post;
    case beast::verb::put:
      return Method::put;
    case beast::verb::delete_:
      return Method::delete_;
    case beast::verb::options:
      return Method::options;
    case beast::verb::patch:
      return Method::patch;
    default:
      return Method::other;
  }
}

struct Failure {
  unsigned status = 400;
  Error error;
};

/// What is gathered of one request; outlives the Beast parser, which can't be used twice.
struct Gathered {
  Request request;
  std::string body;
  std::string_view given;  ///< what feed() was called with
  std::optional<Failure> failure;
  bool is_http10 = false;
  bool expects_continue = false;
  bool header_done = false;
  bool host_seen = false;
  bool transfer_encoding_seen = false;

  void clear() {
    request.method = Method::get;
    for (auto* view : {&request.path, &request.query, &request.body, &request.peer_address, &request.host,
                       &request.origin, &request.content_type, &request.if_none_match, &request.accept,
                       &request.authorization, &request.accept_encoding, &request.last_event_id}) {
      *view = {};
    }
    if (body.capacity() > kKeptBodyBytes) body = std::string();
    body.clear();
    failure.reset();
    is_http10 = expects_continue = header_done = host_seen = transfer_encoding_seen = false;
  }
};

class BeastParser final : public beast::basic_parser<true> {
 public:
  BeastParser(Gathered& gathered, const HttpLimits& limits) : gathered_(gathered), limits_(limits) {
    eager(false);  // so that put() stops at the header's end
    header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    body_limit(limits.body_bytes);
  }

  [[nodiscard]] Failure failure_of(const error_code& error) const {
    if (error == beast::error::header_limit) {
      return {431, {ErrorCode::too_large, fmt::format("the header is over {} bytes", limits_.header_bytes), "header"}};
    }
    if (error == beast::error::body_limit) {
      return {413, {ErrorCode::too_large, fmt::format("the body is over {} bytes", limits_.body_bytes), "body"}};
    }
    if (error == beast::error::bad_version) {
      return {505, {ErrorCode::invalid, "only HTTP/1.0 and HTTP/1.1 are spoken here", {}}};
    }
    return {400, {ErrorCode::invalid, "not an HTTP/1.1 request: " + error.message(), {}}};
  }

 private:
  void fail_with(error_code& ec, std::string message, std::string field, unsigned status = 400) {
    gathered_.failure = Failure{status, {ErrorCode::invalid, std::move(message), std::move(field)}};
    ec = beast::error::bad_value;
  }

  void on_request_impl(beast::verb verb, BeastView, BeastView target, int version, error_code& ec) override {
    auto& request = gathered_.request;
    request.method = method_of(verb);
    gathered_.is_http10 = version == 10;
    auto rest = view_of(target);
    if (!rest.starts_with('/') && rest != "*" && !take_authority(rest)) {
      return fail_with(ec, "the request's target isn't a path", {});
    }
    const auto mark = rest.find('?');
    request.path = rest.substr(0, mark);
    if (mark != std::string_view::npos) request.query = rest.substr(mark + 1);
  }

  // The absolute form, "http://host/path", which proxies are sent and servers must take (RFC 9112, 3.2.2): its
  // authority stands for Host.
  bool take_authority(std::string_view& target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (target.size() <= scheme.size() || !iequals(target.substr(0, scheme.size()), scheme)) continue;
      target.remove_prefix(scheme.size());
      const auto slash = target.find('/');
      if (slash == std::string_view::npos || slash == 0) return false;
      gathered_.request.host = target.substr(0, slash);
      target.remove_prefix(slash);
      return true;
    }
    return false;
  }

  void on_field_impl(beast::field name, BeastView name_text, BeastView text, error_code& ec) override {
    if (gathered_.header_done) return;  // a trailer changes nothing
    const auto value = view_of(text);
    // A folded field is unfolded into a buffer that is gone after this call (RFC 9112, 5.2 lets a server refuse it).
    if (!value.empty() && (value.data() < gathered_.given.data() ||
                           value.data() + value.size() > gathered_.given.data() + gathered_.given.size())) {
      return fail_with(ec, "folded header fields aren't accepted", {});
    }
    auto& request = gathered_.request;
    switch (name) {
      case beast::field::host:
        return on_host(value, ec);
      case beast::field::origin:
        return take_once(request.origin, value, "origin", ec);
      case beast::field::content_type:
        return take_once(request.content_type, value, "content-type", ec);
      case beast::field::authorization:
        return take_once(request.authorization, value, "authorization", ec);
      case beast::field::if_none_match:
        request.if_none_match = value;
        return;
      case beast::field::accept:
        request.accept = value;
        return;
      case beast::field::accept_encoding:
        request.accept_encoding = value;
        return;
      case beast::field::unknown:
        if (iequals(view_of(name_text), "last-event-id")) request.last_event_id = value;
        return;
      case beast::field::expect:
        return on_expect(value, ec);
      case beast::field::transfer_encoding:
        return on_transfer_encoding(value, ec);
      default:
        return;
    }
  }

  void take_once(std::string_view& slot, std::string_view value, std::string_view name, error_code& ec) {
    if (!slot.empty()) return fail_with(ec, "this header field may stand only once", std::string(name));
    slot = value;
  }

  void on_host(std::string_view value, error_code& ec) {
    if (std::exchange(gathered_.host_seen, true)) return fail_with(ec, "this header field may stand only once", "host");
    if (gathered_.request.host.empty()) gathered_.request.host = value;
  }

  void on_expect(std::string_view value, error_code& ec) {
    if (!iequals(value, "100-continue")) return fail_with(ec, "only 100-continue can be expected", "expect", 417);
    gathered_.expects_continue = true;
  }

  // Anything but exactly one "chunked" would leave open where the body ends.
  void on_transfer_encoding(std::string_view value, error_code& ec) {
    if (std::exchange(gathered_.transfer_encoding_seen, true) || gathered_.is_http10) {
      return fail_with(ec, "a transfer-encoding that can't be trusted", "transfer-encoding");
    }
    if (!iequals(value, "chunked")) {
      return fail_with(ec, "the only transfer-encoding is chunked", "transfer-encoding", 501);
    }
  }

  void on_header_impl(error_code& ec) override {
    gathered_.header_done = true;
    if (!gathered_.host_seen && !gathered_.is_http10) return fail_with(ec, "HTTP/1.1 needs a Host", "host");
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  // A body that came whole is read where it lies.
  std::size_t on_body_impl(BeastView bytes, error_code&) override {
    if (gathered_.body.empty() && bytes.size() == content_length().value_or(0)) {
      gathered_.request.body = view_of(bytes);
    } else {
      gathered_.body += view_of(bytes);
    }
    return bytes.size();
  }

  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, BeastView bytes, error_code&) override {
    gathered_.body += view_of(bytes);
    return bytes.size();
  }

  void on_finish_impl(error_code&) override {
    if (!gathered_.body.empty()) gathered_.request.body = gathered_.body;
  }

  void on_response_impl(int, BeastView, int, error_code&) override { std::unreachable(); }

  Gathered& gathered_;
  const HttpLimits& limits_;
};

}  // namespace

class RequestParser::Impl {
 public:
  explicit Impl(const HttpLimits& limits) : limits_(limits) { reset(); }

  void reset() {
    gathered_.clear();
    state_ = State::header;
    header_bytes_ = 0;
    parser_.emplace(gathered_, limits_);
  }

  std::size_t feed(std::string_view bytes) {
    std::size_t consumed = 0;
    // Each turn but the last consumes at least a byte, and one element: the header, a chunk's header, some body.
    while (state_ != State::complete && state_ != State::failed) {
      const auto rest = bytes.substr(consumed);
      if (rest.empty() || begins_last_chunk(rest)) break;
      gathered_.given = rest;
      const bool in_header = !gathered_.header_done;
      error_code error;
      const auto taken = parser_->put({rest.data(), rest.size()}, error);
      consumed += taken;
      if (in_header) header_bytes_ += taken;
      advance(error);
      if (error || taken == 0) break;
    }
    return consumed;
  }

  State state_ = State::header;
  std::size_t header_bytes_ = 0;
  Gathered gathered_;
  std::optional<BeastParser> parser_;

 private:
  // Perhaps, and certainly not all of it: Beast takes for granted that a last chunk isn't shown to it again in part.
  [[nodiscard]] bool begins_last_chunk(std::string_view bytes) const {
    return bytes.size() < kLastChunk.size() && bytes.front() == kLastChunk.front() && gathered_.header_done &&
           parser_->chunked();
  }

  void advance(error_code error) {
    if (gathered_.failure) {
      state_ = State::failed;
    } else if (error && error != beast::error::need_more) {
      gathered_.failure = parser_->failure_of(error);
      state_ = State::failed;
    } else if (header_bytes_ > limits_.header_bytes) {
      gathered_.failure = parser_->failure_of(beast::error::header_limit);
      state_ = State::failed;
    } else if (parser_->is_done()) {
      state_ = State::complete;
    } else if (gathered_.header_done) {
      state_ = State::body;
    }
  }

  const HttpLimits& limits_;
};

RequestParser::RequestParser(const HttpLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset() { impl_->reset(); }
std::size_t RequestParser::feed(std::string_view bytes) { return impl_->feed(bytes); }
RequestParser::State RequestParser::state() const noexcept { return impl_->state_; }
std::size_t RequestParser::header_bytes() const noexcept { return impl_->header_bytes_; }
Request& RequestParser::request() noexcept { return impl_->gathered_.request; }
bool RequestParser::keep_alive() const noexcept { return impl_->parser_->keep_alive(); }
bool RequestParser::is_http10() const noexcept { return impl_->gathered_.is_http10; }

void RequestParser::rebase(const char* from, const char* to) noexcept {
  for (auto* view : impl_->gathered_.request.head()) {
    if (view->data() != nullptr) *view = {to + (view->data() - from), view->size()};
  }
}

bool RequestParser::take_expect_continue() noexcept {
  return impl_->state_ == State::body && std::exchange(impl_->gathered_.expects_continue, false);
}

Response RequestParser::refusal() const {
  const auto& failure = *impl_->gathered_.failure;
  return problem(failure.status, failure.error);
}

}  // namespace rollcall::http::h1
