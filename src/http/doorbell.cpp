#include "http/doorbell.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace rollcall::http {

namespace asio = boost::asio;
using asio::ip::tcp;

Doorbell::Doorbell(const asio::any_io_executor& executor) : timer_(executor, asio::steady_timer::time_point::max()) {}

void Doorbell::ring() {
  rung_ = true;
  timer_.cancel();
}

void Doorbell::ring_when(tcp::socket& socket, tcp::socket::wait_type ready) {
  const auto waits = ready == tcp::socket::wait_read ? &Doorbell::waits_to_read_ : &Doorbell::waits_to_write_;
  if (std::exchange(this->*waits, true)) return;
  socket.async_wait(ready, [self = shared_from_this(), waits](const boost::system::error_code&) {
    (*self).*waits = false;
    self->ring();
  });
}

asio::awaitable<void> Doorbell::wait() {
  while (!std::exchange(rung_, false)) {
    auto until = timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    (void)co_await std::move(until);
  }
}

}  // namespace rollcall::http
