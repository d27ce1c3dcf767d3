// Thousands of watchers, and how long a change takes to reach the last of them.
// watch_load PORT WATCHERS ROUNDS [OTHERS]: WATCHERS streams of the service "watched", OTHERS of one service each that
// never changes. A round is one registration in "watched", from its request to the event at the last watcher. Prints
// the rounds' median, 99th percentile and maximum in milliseconds, and how many bytes came to the others.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client_socket.hpp"

namespace {

using namespace rollcall::bench;
using Clock = std::chrono::steady_clock;

constexpr int kEvents = 512;
constexpr int kPatienceMs = 10'000;
constexpr std::size_t kReadBytes = 16 * 1024;

void allow_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Streams, told apart by their number.
class Watchers {
 public:
  Watchers(std::uint16_t port, std::size_t count, std::size_t others) : count_(count), told_(count + others, false) {
    for (std::size_t i = 0; i < told_.size(); ++i) {
      const int stream = connect_to(port);
      const auto service = i < count ? std::string("watched") : "other-" + std::to_string(i);
      send_all(stream, "GET /watch?service=" + service + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
      epoll_event wanted{.events = EPOLLIN, .data = {.u64 = (i << 32) | static_cast<unsigned>(stream)}};
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, stream, &wanted) != 0) give_up("epoll_ctl");
    }
    await("event: ready", told_.size());
    other_bytes_ = 0;
  }

  /// Until `count` of them have been told something that has `text` in it.
  void await(std::string_view text, std::size_t count) {
    told_.assign(told_.size(), false);
    std::array<epoll_event, kEvents> ready;
    while (count > 0) {
      const int some = ::epoll_wait(epoll_, ready.data(), kEvents, kPatienceMs);
      if (some <= 0) give_up("no event came in time");
      for (const auto& each : std::span(ready).first(static_cast<std::size_t>(some))) count -= read(each, text);
    }
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t other_bytes() const noexcept { return other_bytes_; }

 private:
  std::size_t read(const epoll_event& ready, std::string_view text) {
    const auto number = ready.data.u64 >> 32;
    const auto bytes = ::recv(static_cast<int>(ready.data.u64 & 0xffffffff), buffer_.data(), buffer_.size(), 0);
    if (bytes <= 0) give_up("a stream ended");
    if (number >= count_) other_bytes_ += static_cast<std::size_t>(bytes);
    if (told_[number] || !std::string_view(buffer_.data(), static_cast<std::size_t>(bytes)).contains(text)) return 0;
    told_[number] = true;
    return 1;
  }

  const int epoll_ = ::epoll_create1(0);
  const std::size_t count_;
  std::vector<bool> told_;
  std::array<char, kReadBytes> buffer_;
  std::size_t other_bytes_ = 0;
};

double round_ms(int writer, Watchers& watchers, std::size_t number) {
  // Another one in each run: what is registered already would only be renewed.
  const auto id = "round-" + std::to_string(::getpid()) + "-" + std::to_string(number);
  const std::string body = R"({"address":"10.0.0.1","port":80})";
  const auto begin = Clock::now();
  send_all(writer, "PUT /services/watched/instances/" + id + " HTTP/1.1\r\nHost: localhost\r\n" +
                       "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                       body);
  watchers.await("\"id\":\"" + id + '"', watchers.count());
  const auto took = Clock::now() - begin;
  std::array<char, kReadBytes> answer;
  if (::recv(writer, answer.data(), answer.size(), 0) <= 0) give_up("the registration wasn't answered");
  return std::chrono::duration<double, std::milli>(took).count();
}

std::size_t number_of(const char* text) {
  std::size_t value = 0;
  std::from_chars(text, text + std::string_view(text).size(), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: watch_load PORT WATCHERS ROUNDS [OTHERS]\n");
    return 2;
  }
  allow_descriptors();
  const auto port = static_cast<std::uint16_t>(number_of(argv[1]));
  const auto rounds = std::max<std::size_t>(number_of(argv[3]), 1);
  Watchers watchers(port, number_of(argv[2]), argc > 4 ? number_of(argv[4]) : 0);
  const int writer = connect_to(port);
  std::vector<double> took;
  for (std::size_t i = 0; i < rounds; ++i) took.push_back(round_ms(writer, watchers, i));
  std::ranges::sort(took);
  std::printf(
      "%zu watchers, %zu rounds: median %.1f ms, 99th percentile %.1f ms, longest %.1f ms; %zu bytes to others\n",
      watchers.count(), rounds, took[rounds / 2], took[(rounds * 99 + 99) / 100 - 1], took.back(),
      watchers.other_bytes());
}
