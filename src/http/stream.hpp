#pragma once
// Answers that wait for something to happen, and bodies that come as time goes by. Whoever speaks a protocol drives
// them: on the connection's own thread, and no faster than the peer takes the bytes.
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace rollcall::http {

struct Response;

/// Called on the connection's thread when there may be more to ask for. Not called any more once who was given it has
/// been destroyed; calling it destroys nobody.
using Wake = std::function<void()>;

/// Why the next call should be the last.
enum class Hurry : unsigned char {
  no,
  stopping,  ///< the daemon stops: say what there is, and end
};

/// An answer that isn't there yet. Destroyed when it has been given, or when the peer has gone. What it needs of the
/// request it keeps: the request's views are only valid until it is made.
class HeldAnswer {
 public:
  virtual ~HeldAnswer() = default;
  HeldAnswer(const HeldAnswer&) = delete;
  HeldAnswer& operator=(const HeldAnswer&) = delete;

  /// Once, before anything else. May call `wake` before it returns.
  virtual void start(Wake wake) = 0;
  /// The answer, or nothing yet. In a hurry there is always one.
  [[nodiscard]] virtual std::optional<Response> poll(Hurry hurry) = 0;

 protected:
  HeldAnswer() = default;
};

/// A body without a length known beforehand. Destroyed when it has ended, or when the peer has gone.
class BodyStream {
 public:
  enum class State : unsigned char {
    more,   ///< pull again when these bytes are sent
    dry,    ///< these bytes are all for now: wake() tells
    ended,  ///< these bytes were the last
  };

  virtual ~BodyStream() = default;
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  /// Once, before anything else. May call `wake` before it returns.
  virtual void start(Wake wake) = 0;
  /// Appends about `room` bytes at most to `out`; only called when the peer has taken what came before. One that
  /// waits for something to happen ends within a few calls when in a hurry.
  [[nodiscard]] virtual State pull(std::string& out, std::size_t room, Hurry hurry) = 0;

 protected:
  BodyStream() = default;
};

}  // namespace rollcall::http
