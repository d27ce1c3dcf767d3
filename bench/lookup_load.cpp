// A client that costs less than the servers it asks, so that one core of it keeps one core of theirs busy:
// GET /services/web over keep-alive connections, one request in flight on each. Prints the answers a second.
// lookup_load PORT CONNECTIONS SECONDS [THREADS]
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr int kEvents = 128;
constexpr int kWaitMs = 100;

[[noreturn]] void give_up(const char* why) {
  std::perror(why);
  std::exit(1);
}

int connect_to(std::uint16_t port) {
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

void send_request(int server, std::string_view request) {
  if (::send(server, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    give_up("send");
  }
}

/// The whole length of an answer, told by its head.
std::size_t length_of(std::string_view answer) {
  constexpr std::string_view kLength = "Content-Length: ";
  const auto end = answer.find("\r\n\r\n");
  const auto at = answer.find(kLength);
  std::size_t body = 0;
  if (!answer.starts_with("HTTP/1.1 200") || end == std::string_view::npos || at > end) {
    std::fprintf(stderr, "not an answer to look up: %.*s\n", static_cast<int>(answer.size()), answer.data());
    std::exit(1);
  }
  std::from_chars(answer.data() + at + kLength.size(), answer.data() + end, body);
  return end + 4 + body;
}

/// Every answer is taken to be as long as the first; one that isn't ends the run.
class Client {
 public:
  Client(std::uint16_t port, std::size_t connections)
      : request_("GET /services/web HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n"),
        epoll_(::epoll_create1(0)) {
    for (std::size_t i = 0; i < connections; ++i) {
      const int server = connect_to(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = server;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, server, &event);
      got_.resize(std::max(got_.size(), static_cast<std::size_t>(server) + 1));
      servers_.push_back(server);
    }
  }

  std::size_t run(const std::atomic<bool>& stop) {
    for (const int server : servers_) send_request(server, request_);
    std::array<epoll_event, kEvents> events;
    while (!stop.load(std::memory_order_relaxed)) {
      const int ready = ::epoll_wait(epoll_, events.data(), kEvents, kWaitMs);
      for (int i = 0; i < ready; ++i) read_answer(events[static_cast<std::size_t>(i)].data.fd);
    }
    return answers_;
  }

 private:
  void read_answer(int server) {
    const auto got = ::recv(server, bytes_.data(), bytes_.size(), 0);
    if (got <= 0) give_up("recv");
    auto& so_far = got_[static_cast<std::size_t>(server)];
    if (length_ == 0) length_ = length_of({bytes_.data(), static_cast<std::size_t>(got)});
    so_far += static_cast<std::size_t>(got);
    if (so_far < length_) return;
    if (so_far > length_ || (static_cast<std::size_t>(got) == length_ && bytes_[9] != '2')) {
      std::fprintf(stderr, "an answer is unlike the first\n");
      std::exit(1);
    }
    so_far = 0;
    ++answers_;
    send_request(server, request_);
  }

  const std::string request_;
  const int epoll_;
  std::vector<int> servers_;
  std::vector<std::size_t> got_;  // bytes of the answer under way, by descriptor
  std::array<char, kReadBytes> bytes_;
  std::size_t length_ = 0;
  std::size_t answers_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "lookup_load PORT CONNECTIONS SECONDS [THREADS]\n");
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const auto connections = static_cast<std::size_t>(std::atoi(argv[2]));
  const auto threads = static_cast<std::size_t>(argc > 4 ? std::atoi(argv[4]) : 1);
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> answers = 0;
  std::vector<std::thread> running;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < threads; ++i) {
    running.emplace_back([&] { answers += Client(port, connections / threads).run(stop); });
  }
  std::this_thread::sleep_for(std::chrono::seconds(std::atoi(argv[3])));
  stop = true;
  for (auto& thread : running) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f\n", static_cast<double>(answers) / took.count());
}
