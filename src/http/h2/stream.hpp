#pragma once
// A request of an HTTP/2 connection, and its answer as it leaves.
#include <nghttp2/nghttp2.h>

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "http/message.hpp"
#include "http/server_context.hpp"

namespace rollcall::http::h2 {

/// A header field's text, shared with nghttp2's tables instead of copied.
class SharedText {
 public:
  explicit SharedText(nghttp2_rcbuf* text) noexcept : text_(text) { nghttp2_rcbuf_incref(text_); }
  SharedText(SharedText&& other) noexcept : text_(std::exchange(other.text_, nullptr)) {}
  SharedText& operator=(SharedText&& other) noexcept {
    std::swap(text_, other.text_);
    return *this;
  }
  ~SharedText() {
    if (text_ != nullptr) nghttp2_rcbuf_decref(text_);
  }

 private:
  nghttp2_rcbuf* text_;
};

struct Refusal {
  unsigned status = 400;
  Error error;
};

/// What has come of a request. Its views point into `texts` and `body`.
struct Inbound {
  Request request;
  boost::container::small_vector<SharedText, 8> texts;
  std::string body;
  std::optional<Refusal> refusal;  ///< the answer, whatever else comes
  std::size_t header_bytes = 0;
  bool expects_continue = false;
  bool header_whole = false;
  bool whole = false;
  bool given_up = false;            ///< nobody waits for the rest
  std::size_t discarded_bytes = 0;  ///< of the body, after the answer

  void clear();
};

/// What is still to be sent of an answer. nghttp2 asks for the pieces as flow control allows.
struct Outbound {
  Response response;
  std::unique_ptr<HeldAnswer> held;
  std::string streamed;           ///< pulled, and not sent
  std::size_t piece = 0;          ///< of the body: the one that is being sent
  std::size_t sent_of_piece = 0;  ///< or of `streamed`
  std::size_t left = 0;           ///< bytes of the body, or of `streamed`
  std::array<char, 3> status{};   ///< what header fields point to
  std::array<char, 20> length{}, retry_after{};
  std::optional<ServerStats::Counted> counted;
  bool submitted = false;
  bool sent = false;
  bool dry = false;       ///< until wake()
  bool deferred = false;  ///< nghttp2 won't ask until it is told to
  bool ended = false;     ///< nothing follows what is `left`

  void clear();
};

/// Shared by the connection, as long as the stream is open, and by a coroutine that works out the answer.
struct Stream {
  std::int32_t id = 0;
  std::size_t slot = 0;  ///< among the connection's open streams
  MonoTime began{};
  bool open = false;
  bool partial = false;  ///< the request isn't whole, and is waited for
  bool sending = false;  ///< there are bytes of the body that could be sent
  bool stirred = false;  ///< wake() was called
  bool running = false;  ///< a coroutine works for it
  Inbound in;
  Outbound out;
};

}  // namespace rollcall::http::h2
