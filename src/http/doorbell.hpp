#pragma once
// One coroutine waits for several things at once: a ring by whoever has something for it, bytes from the peer, room for
// bytes to the peer. All calls on the coroutine's thread.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

namespace rollcall::http {

class Doorbell : public std::enable_shared_from_this<Doorbell> {
 public:
  explicit Doorbell(const boost::asio::any_io_executor& executor);

  /// The wait ends; or the next one does, if nobody waits.
  void ring();

  /// From now on rings once when `socket` can be read or written, or its operations are cancelled. Asking again before
  /// that changes nothing. The socket is the same in all calls.
  void ring_when(boost::asio::ip::tcp::socket& socket, boost::asio::ip::tcp::socket::wait_type ready);

  /// Until it rings. It may ring without a reason: look at what was waited for.
  [[nodiscard]] boost::asio::awaitable<void> wait();

 private:
  boost::asio::steady_timer timer_;  // never runs out; what it waits with belongs to its io_context, also at the end
  bool rung_ = false;
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
};

}  // namespace rollcall::http
