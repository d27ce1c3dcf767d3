#pragma once
// One address, listened to by every I/O thread: the kernel deals the connections out (SO_REUSEPORT).
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "net/endpoint.hpp"
#include "net/io_threads.hpp"

namespace rollcall::net {

class Listener {
 public:
  /// Called on I/O thread `thread`, to which the socket belongs.
  using OnConnection = std::function<void(boost::asio::ip::tcp::socket socket, std::size_t thread)>;

  /// Bound and listening, but not accepting yet. Port 0 picks one. Fails when another process listens there.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(IoThreads& threads,
                                                              const boost::asio::ip::tcp::endpoint& endpoint,
                                                              OnConnection on_connection);
  /// After close(), or when the threads run no more.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// As bound.
  [[nodiscard]] boost::asio::ip::tcp::endpoint endpoint() const;

  void start();
  /// Any thread. Connections that wait unaccepted are reset by the kernel.
  void close();

 private:
  class Lane;
  Listener();
  std::vector<std::shared_ptr<Lane>> lanes_;
};

}  // namespace rollcall::net
