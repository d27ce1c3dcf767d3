#include "support/postgres_proxy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace rollcall::testing {
namespace {

constexpr int kLookMs = 20;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("a path too long for a socket: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int make_socket() {
  const int one = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (one < 0) throw std::runtime_error("no socket");
  return one;
}

bool write_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

/// Bytes one way, divided into messages: a type, four bytes of length that count themselves, and the rest. A client's
/// first has no type.
class PostgresProxy::Direction {
 public:
  Direction(int from, int to, bool begins_untyped) : from(from), to(to), untyped_(begins_untyped) {}

  bool read() {
    char bytes[65536];
    const auto count = ::recv(from, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    held_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  /// Empty: the next message isn't complete.
  std::string take_message() {
    const std::size_t type = untyped_ ? 0 : 1;
    if (held_.size() < type + 4) return {};
    std::size_t length = type;
    std::uint32_t stated = 0;
    for (std::size_t i = 0; i < 4; ++i) stated = stated << 8 | static_cast<unsigned char>(held_[type + i]);
    length += stated;
    if (held_.size() < length) return {};
    untyped_ = false;
    auto message = held_.substr(0, length);
    held_.erase(0, length);
    return message;
  }

  const int from, to;

 private:
  std::string held_;
  bool untyped_;
};

PostgresProxy::PostgresProxy(std::string folder, std::string server_folder)
    : path_(std::move(folder) + "/.s.PGSQL.5432"), server_path_(std::move(server_folder) + "/.s.PGSQL.5432") {
  listener_ = make_socket();
  const auto address = address_of(path_);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 16) != 0) {
    throw std::runtime_error("can't listen on " + path_);
  }
  thread_ = std::jthread([this] { serve(); });
}

PostgresProxy::~PostgresProxy() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
  ::unlink(path_.c_str());
}

void PostgresProxy::before_message(int n, Act act) {
  const std::scoped_lock lock(mutex_);
  nth_ = n;
  act_ = std::move(act);
  count_ = 0;
}

void PostgresProxy::serve() {
  while (!stopping_) {
    pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kLookMs) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = make_socket();
    const auto address = address_of(server_path_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) carry(client, server);
    ::close(client);
    ::close(server);
  }
}

/// Until either side ends, or the connection is cut.
void PostgresProxy::carry(int client, int server) {
  Direction up(client, server, true), down(server, client, false);
  while (!stopping_) {
    pollfd ready[] = {{.fd = client, .events = POLLIN, .revents = 0}, {.fd = server, .events = POLLIN, .revents = 0}};
    if (::poll(ready, 2, kLookMs) <= 0) continue;
    if (ready[0].revents != 0 && !forward(up)) return;
    if (ready[1].revents != 0 && !forward(down)) return;
  }
}

bool PostgresProxy::forward(Direction& direction) {
  if (!direction.read()) return false;
  for (auto message = direction.take_message(); !message.empty(); message = direction.take_message()) {
    if (pass_message() == Then::cut || !write_all(direction.to, message)) return false;
  }
  return true;
}

PostgresProxy::Then PostgresProxy::pass_message() {
  Act act;
  {
    const std::scoped_lock lock(mutex_);
    if (++count_ == nth_) act = std::exchange(act_, nullptr);
  }
  return act ? act() : Then::go_on;
}

}  // namespace rollcall::testing
