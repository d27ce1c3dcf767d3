#pragma once
// A benchmark's connections to a server on this machine; what fails ends the program.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace rollcall::bench {

[[noreturn]] inline void give_up(const char* why) {
  std::perror(why);
  std::exit(1);
}

inline int connect_to(std::uint16_t port) {
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("connect");
  return server;
}

inline void send_all(int server, std::string_view bytes) {
  if (::send(server, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) give_up("send");
}

}  // namespace rollcall::bench
