#pragma once
// A connection of the socket protocol without a socket, which answers alike however its bytes are cut.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "socket/connection.hpp"
#include "world.hpp"

namespace rollcall::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Two events, one at a time.
class TwoEvents final : public http::BodyStream {
 public:
  void start(http::Wake) override {}
  State pull(std::string& out, std::size_t, http::Hurry) override {
    out += "{}\n";
    return ++pulled_ == 2 ? State::ended : State::more;
  }

 private:
  int pulled_ = 0;
};

/// Answers by the command's number, so that an answer in the wrong place shows.
class NumberingCommands final : public socket::Commands {
 public:
  void heartbeat(std::span<const std::string_view> ids, std::span<socket::Heard> heard) override {
    using socket::Heard;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      heard[i] = ids[i].starts_with('d') ? Heard::undecided : ids[i].starts_with('n') ? Heard::unknown : Heard::yes;
    }
  }
  std::string query(const ServiceName& service) override {
    return "[" + std::to_string(number_) + "," + std::to_string(service.view().size()) + "]";
  }
  Result<std::unique_ptr<http::BodyStream>> watch(const codec::WatchCommand&) override {
    return std::make_unique<TwoEvents>();
  }
  void submit(codec::SocketCommand command, const socket::Caller&, Done done) override {
    const auto text = std::to_string(++number_) + "." + std::to_string(command.index());
    waiting_.push_back(
        [text, done = std::move(done)]() mutable { done(codec::SocketAnswer{codec::SocketAnswer::Kind::text, text}); });
  }
  socket::TieId tie() override {
    require(++ties_ == 1);
    return socket::TieId{1};
  }
  void untie(socket::TieId, socket::End) override { require(--ties_ == 0); }

  /// The last first, as commits may end on any thread.
  void tell_all() {
    for (; !waiting_.empty(); waiting_.pop_back()) waiting_.back()();
  }

 private:
  int ties_ = 0;
  std::size_t number_ = 0;
  std::vector<std::move_only_function<void()>> waiting_;
};

/// Small, so that inputs reach them.
inline SocketLimits small_limits() {
  SocketLimits limits;
  limits.line_bytes = 128;
  limits.frame_header_bytes = 64;
  limits.frame_bytes = 256;
  limits.pipelined_commands = 8;
  limits.pipelined_bytes = 128;
  return limits;
}

struct SocketWorld : World<SocketLimits> {
  explicit SocketWorld(http::AccessRules rules) : World(small_limits()), access(std::move(rules)) {}
  const ModelLimits model;
  const http::AccessRules access;
  socket::SessionStats stats;
  socket::Complaints complaints{clock, 0};
};

/// All that is written in answer to `bytes`, which come in slices, and then the peer's end.
inline std::string exchange(SocketWorld& world, std::string_view bytes, std::size_t slice) {
  NumberingCommands commands;
  const socket::SessionContext context{commands,    world.access,     world.limits, world.model,
                                       world.stats, world.complaints, world.table};
  socket::Connection connection(context, "10.0.0.9", false);
  std::string written;
  for (bool ended = false;;) {
    const auto next = connection.advance();
    written += connection.output();
    connection.sent(connection.output().size());
    if (next == socket::Connection::Next::close) return written;
    if (next == socket::Connection::Next::write) continue;
    if (next == socket::Connection::Next::await) {
      const auto burst = connection.take_burst();
      commands.tell_all();
      burst->wait([&](const socket::Burst::Slots& answers) { connection.settled(answers); });
    } else if (next == socket::Connection::Next::stream) {
      connection.stream().start([] {});
      while (connection.pull(http::Hurry::no) == http::BodyStream::State::more) continue;
      return written.append(connection.output());  // a connection's last command
    } else if (!bytes.empty()) {
      const auto room = connection.room();
      const auto size = std::min({room.size(), slice, bytes.size()});
      require(size != 0);
      std::memcpy(room.data(), bytes.data(), size);
      connection.received(size);
      bytes.remove_prefix(size);
    } else {
      require(!ended);
      connection.finished();
      ended = true;
    }
  }
}

/// The first byte tells the size of the slices and whether tokens are asked for.
inline std::string talk(std::uint8_t first, std::string_view bytes) {
  static SocketWorld open_world{{}};
  static SocketWorld closed_world{{.tokens = {{http::Role::write, "0123456789abcdef"}}, .open_paths = {}}};
  SocketWorld& world = (first & 0x80U) != 0 ? closed_world : open_world;
  const auto whole = exchange(world, bytes, bytes.size() + 1);
  const auto sliced = exchange(world, bytes, std::max<std::size_t>(first & 0x3FU, 1));
  require(whole == sliced);
  return whole;
}

}  // namespace rollcall::fuzz
