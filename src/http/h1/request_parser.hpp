#pragma once
// One HTTP/1.1 request at a time out of the connection's bytes. Beast's parser knows the syntax; this keeps the fields
// that Rollcall looks at as views into the caller's buffer, and turns down what could be understood in two ways.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "http/message.hpp"

namespace rollcall::http::h1 {

class RequestParser {
 public:
  enum class State : std::uint8_t {
    header,    ///< the header isn't complete: every byte from the request's first on must stay where it is
    body,      ///< only the header's bytes must stay, what was consumed since may go
    complete,  ///< request() may be answered; reset() before the next
    failed,    ///< refusal() is the answer; the connection can't be used further
  };

  explicit RequestParser(const HttpLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Begins a new request.
  void reset();

  /// Takes bytes that follow those consumed before; returns how many it consumed. Consumes nothing after the request's
  /// end. Unless complete or failed, the rest must be given again together with what comes next.
  [[nodiscard]] std::size_t feed(std::string_view bytes);

  [[nodiscard]] State state() const noexcept;

  /// Of the request's bytes: how many belong to the header, so far or in all.
  [[nodiscard]] std::size_t header_bytes() const noexcept;

  /// The header's bytes have moved from `from` to `to`.
  void rebase(const char* from, const char* to) noexcept;

  /// Complete but for the peer, which its owner sets. The Router fills the params.
  [[nodiscard]] Request& request() noexcept;
  [[nodiscard]] bool keep_alive() const noexcept;
  [[nodiscard]] bool is_http10() const noexcept;

  /// True once: the client waits for leave to send the body.
  [[nodiscard]] bool take_expect_continue() noexcept;

  [[nodiscard]] Response refusal() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall::http::h1
