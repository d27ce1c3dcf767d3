#include "net/name_resolver.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using Address = std::optional<asio::ip::address>;

Address address_from(const sockaddr* socket_address) {
  if (socket_address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(socket_address);
    return asio::ip::address_v4(ntohl(in->sin_addr.s_addr));
  }
  if (socket_address->sa_family != AF_INET6) return std::nullopt;
  const auto* in = reinterpret_cast<const sockaddr_in6*>(socket_address);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), in->sin6_addr.s6_addr, bytes.size());
  return asio::ip::address_v6(bytes, in->sin6_scope_id);
}

Address resolve_blocking(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return std::nullopt;
  Address found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const Address next = address_from(entry->ai_addr);
    if (next && (!found || (found->is_v6() && next->is_v4()))) found = next;
  }
  ::freeaddrinfo(list);
  return found;
}

/// Between the coroutine and the thread; whoever comes last finds the other gone.
struct Meeting {
  std::mutex mutex;
  asio::steady_timer* waiting = nullptr;  // guarded by mutex
  bool done = false;                      // guarded by mutex
  Address result;                         // guarded by mutex
};

/// The coroutine's side: its frame may be destroyed at any suspension.
class Attendance {
 public:
  Attendance(Meeting& meeting, asio::steady_timer& timer) : meeting_(meeting) {
    const std::lock_guard lock(meeting_.mutex);
    meeting_.waiting = &timer;
  }
  ~Attendance() {
    const std::lock_guard lock(meeting_.mutex);
    meeting_.waiting = nullptr;
  }
  Attendance(const Attendance&) = delete;
  Attendance& operator=(const Attendance&) = delete;

 private:
  Meeting& meeting_;
};

void work(std::shared_ptr<Meeting> meeting, const std::string& name) {
  const Address result = resolve_blocking(name);
  const std::lock_guard lock(meeting->mutex);
  meeting->result = result;
  meeting->done = true;
  if (meeting->waiting == nullptr) return;
  asio::post(meeting->waiting->get_executor(), [meeting] {
    const std::lock_guard again(meeting->mutex);
    if (meeting->waiting != nullptr) meeting->waiting->cancel();
  });
}

}  // namespace

asio::awaitable<Address> resolve(std::string name) {
  const auto meeting = std::make_shared<Meeting>();
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
  const Attendance attendance(*meeting, timer);
  try {
    std::thread([meeting, name] { work(meeting, name); }).detach();
  } catch (const std::system_error&) {
    co_return std::nullopt;  // no thread to be had now
  }
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  const std::lock_guard lock(meeting->mutex);
  co_return meeting->result;
}

}  // namespace rollcall::net
