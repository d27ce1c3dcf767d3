// What the kernel allows on one core: a bare epoll loop that looks for the blank line and answers constant bytes, the
// same that bench/h1_server.cpp sends. epoll_baseline PORT
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lookup_answer.hpp"

namespace {

constexpr std::size_t kReadBytes = 4096;
constexpr int kEvents = 128;

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 1024) != 0) {
    std::perror("epoll_baseline");
    std::exit(1);
  }
  return listener;
}

void watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

void accept_one(int epoll, int listener) {
  const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (client < 0) return;
  const int on = 1;
  ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch(epoll, client);
}

// wrk sends a request in one piece, so what ends with the blank line is one.
void answer(int client, std::string_view response) {
  std::array<char, kReadBytes> bytes;
  const auto got = ::recv(client, bytes.data(), bytes.size(), 0);
  if (got <= 0) {
    ::close(client);
    return;
  }
  if (!std::string_view(bytes.data(), static_cast<std::size_t>(got)).contains("\r\n\r\n")) return;
  (void)!::send(client, response.data(), response.size(), MSG_NOSIGNAL);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto response = rollcall::bench::lookup_head() + rollcall::bench::lookup_body();
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
  const int epoll = ::epoll_create1(0);
  watch(epoll, listener);
  std::array<epoll_event, kEvents> events;
  for (;;) {
    const int ready = ::epoll_wait(epoll, events.data(), kEvents, -1);
    for (int i = 0; i < ready; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener) {
        accept_one(epoll, listener);
      } else {
        answer(descriptor, response);
      }
    }
  }
}
