#pragma once
// The bytes' way to a peer, in the clear or under TLS (net/). Calls never wait: where they would, the caller waits on
// socket() for what they say, and calls again.
#include <sys/uio.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace rollcall::http {

struct Transfer {
  enum class State : std::uint8_t {
    done,         ///< `bytes` were transferred, at least one
    needs_read,   ///< nothing was: wait until the socket can be read
    needs_write,  ///< nothing was: wait until the socket can be written
    ended,        ///< the peer has closed its side, or the connection is broken
  };
  State state = State::ended;
  std::size_t bytes = 0;
};

/// Used on its socket's thread alone.
class Channel {
 public:
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Before the first byte: done (with no bytes) when data may flow.
  [[nodiscard]] virtual Transfer open() noexcept = 0;
  [[nodiscard]] virtual Transfer read(std::span<char> room) noexcept = 0;
  /// `parts` isn't empty, nor are they. After needs_read or needs_write the same bytes must come first again; more may
  /// follow them.
  [[nodiscard]] virtual Transfer write(std::span<const iovec> parts) noexcept = 0;
  /// We send no more. What isn't sent at once is lost.
  virtual void finish() noexcept = 0;
  /// The socket carries the very bytes of read() and write(): a reactor may read it in our place.
  [[nodiscard]] virtual bool is_clear() const noexcept = 0;

  [[nodiscard]] boost::asio::ip::tcp::socket& socket() noexcept { return socket_; }

 protected:
  explicit Channel(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

 private:
  boost::asio::ip::tcp::socket socket_;
};

class ClearChannel final : public Channel {
 public:
  explicit ClearChannel(boost::asio::ip::tcp::socket socket) : Channel(std::move(socket)) {}
  [[nodiscard]] Transfer open() noexcept override { return {Transfer::State::done, 0}; }
  [[nodiscard]] Transfer read(std::span<char> room) noexcept override;
  [[nodiscard]] Transfer write(std::span<const iovec> parts) noexcept override;
  void finish() noexcept override;
  [[nodiscard]] bool is_clear() const noexcept override { return true; }
};

/// Of the peer, numeric; an IPv4 address that came over IPv6 as IPv4. Empty if it has gone.
[[nodiscard]] std::string address_of_peer(const boost::asio::ip::tcp::socket& socket);

}  // namespace rollcall::http
