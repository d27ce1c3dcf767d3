#include "http/channel.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace rollcall::http {
namespace {

using boost::asio::ip::tcp;

Transfer outcome(ssize_t bytes, Transfer::State would_wait) noexcept {
  if (bytes > 0) return {Transfer::State::done, static_cast<std::size_t>(bytes)};
  const bool waits = bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  return {waits ? would_wait : Transfer::State::ended, 0};
}

template <class Call>
ssize_t uninterrupted(Call call) noexcept {
  for (;;) {
    const ssize_t result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace

Transfer ClearChannel::read(std::span<char> room) noexcept {
  const auto bytes =
      uninterrupted([&] { return ::recv(socket().native_handle(), room.data(), room.size(), MSG_DONTWAIT); });
  return outcome(bytes, Transfer::State::needs_read);
}

Transfer ClearChannel::write(std::span<const iovec> parts) noexcept {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  const auto bytes = uninterrupted([&] {
    if (parts.size() == 1) {
      return ::send(socket().native_handle(), parts.front().iov_base, parts.front().iov_len, kFlags);
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());  // msghdr knows no const; sending alters nothing
    message.msg_iovlen = parts.size();
    return ::sendmsg(socket().native_handle(), &message, kFlags);
  });
  return outcome(bytes, Transfer::State::needs_write);
}

void ClearChannel::finish() noexcept {
  boost::system::error_code ignored;
  socket().shutdown(tcp::socket::shutdown_send, ignored);
}

std::string address_of_peer(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return {};
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace rollcall::http
