// A client that costs less than the servers it asks, so that one core of it keeps one core of theirs busy. Each
// connection has PIPELINE requests in flight and sends the next ones when all are answered. Prints the answers a
// second.
//   request_load PORT CONNECTIONS SECONDS THREADS PIPELINE EXPECT TEMPLATE [IDS]
// TEMPLATE is a request, \r and \n as in C. {} stands for an id of the file IDS (one a line, all of one length, met in
// random order). Every answer begins with EXPECT and is as long as the first.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "client_socket.hpp"

namespace {

using namespace rollcall::bench;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kEvents = 128;
constexpr int kWaitMs = 100;

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char letter = text[++i];
    out += letter == 'r' ? '\r' : letter == 'n' ? '\n' : letter;
  }
  return out;
}

std::vector<std::string> read_ids(const char* file) {
  std::vector<std::string> ids;
  std::ifstream in(file);
  for (std::string id; std::getline(in, id);) ids.push_back(id);
  if (ids.empty()) give_up(file);
  return ids;
}

/// Requests of one length, one behind the other, so that any `count` neighbours are ready to be sent.
class Requests {
 public:
  Requests(const std::string& form, std::vector<std::string> ids, std::size_t pipeline) : count_(pipeline) {
    const auto at = form.find("{}");
    if (at == std::string::npos) ids = {""};
    std::ranges::shuffle(ids, std::mt19937(1));
    while (ids.size() < 2 * pipeline) ids.push_back(ids[ids.size() % std::max<std::size_t>(1, ids.size() / 2)]);
    for (const auto& id : ids) {
      auto request = form;
      if (at != std::string::npos) request.replace(at, 2, id);
      if (length_ != 0 && request.size() != length_) give_up("ids of several lengths");
      length_ = request.size();
      bytes_ += request;
    }
  }

  std::string_view one() const { return std::string_view(bytes_).substr(0, length_); }

  std::string_view next() {
    if ((at_ + count_) * length_ > bytes_.size()) at_ = 0;
    const auto batch = std::string_view(bytes_).substr(at_ * length_, count_ * length_);
    at_ += count_;
    return batch;
  }

  void begin_at(std::size_t n, std::size_t of) { at_ = bytes_.size() / length_ / of * n; }

 private:
  std::string bytes_;
  std::size_t length_ = 0, count_, at_ = 0;
};

class Client {
 public:
  Client(std::uint16_t port, std::size_t connections, std::size_t pipeline, std::string expect, Requests requests)
      : requests_(std::move(requests)), expect_(std::move(expect)), pipeline_(pipeline), epoll_(::epoll_create1(0)) {
    for (std::size_t i = 0; i < connections; ++i) {
      const int server = connect_to(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = server;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, server, &event);
      got_.resize(std::max(got_.size(), static_cast<std::size_t>(server) + 1));
      servers_.push_back(server);
    }
    learn_length();
  }

  std::size_t run(const std::atomic<bool>& stop) {
    for (const int server : servers_) send_all(server, requests_.next());
    std::array<epoll_event, kEvents> events;
    while (!stop.load(std::memory_order_relaxed)) {
      const int ready = ::epoll_wait(epoll_, events.data(), kEvents, kWaitMs);
      for (int i = 0; i < ready; ++i) read_answers(events[static_cast<std::size_t>(i)].data.fd);
    }
    return answers_;
  }

 private:
  void learn_length() {
    send_all(servers_.front(), requests_.one());
    length_ = receive(servers_.front());
    check({bytes_.data(), length_});
  }

  std::size_t receive(int server) {
    const auto got = ::recv(server, bytes_.data(), bytes_.size(), 0);
    if (got <= 0) give_up("recv");
    return static_cast<std::size_t>(got);
  }

  void check(std::string_view answer) const {
    const auto seen = answer.substr(0, expect_.size());
    if (expect_.starts_with(seen)) return;
    std::fprintf(stderr, "not the answer that was expected: %.*s\n", static_cast<int>(answer.size()), answer.data());
    std::exit(1);
  }

  void read_answers(int server) {
    const std::string_view got(bytes_.data(), receive(server));
    auto& so_far = got_[static_cast<std::size_t>(server)];
    for (auto at = (length_ - so_far % length_) % length_; at < got.size(); at += length_) check(got.substr(at));
    so_far += got.size();
    if (so_far < length_ * pipeline_) return;
    if (so_far > length_ * pipeline_) give_up("answers of several lengths");
    so_far = 0;
    answers_ += pipeline_;
    send_all(server, requests_.next());
  }

  Requests requests_;
  const std::string expect_;
  const std::size_t pipeline_;
  const int epoll_;
  std::vector<int> servers_;
  std::vector<std::size_t> got_;  // bytes of the answers under way, by descriptor
  std::array<char, kReadBytes> bytes_;
  std::size_t length_ = 0;
  std::size_t answers_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) {
    std::fprintf(stderr, "request_load PORT CONNECTIONS SECONDS THREADS PIPELINE EXPECT TEMPLATE [IDS]\n");
    return 2;
  }
  const auto number = [&](int at) { return static_cast<std::size_t>(std::atoi(argv[at])); };
  const auto threads = number(4), pipeline = number(5);
  const Requests requests(unescaped(argv[7]), argc > 8 ? read_ids(argv[8]) : std::vector<std::string>{}, pipeline);
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> answers = 0;
  std::vector<std::thread> running;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < threads; ++i) {
    auto own = requests;
    own.begin_at(i, threads);
    running.emplace_back([&, own = std::move(own)] {
      Client client(static_cast<std::uint16_t>(number(1)), number(2) / threads, pipeline, unescaped(argv[6]), own);
      answers += client.run(stop);
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(number(3)));
  stop = true;
  for (auto& thread : running) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f\n", static_cast<double>(answers) / took.count());
}
