#include "socket/connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <random>
#include <string>

#include "socket/recording_commands.hpp"

namespace rollcall::socket {
namespace {

using codec::SocketAnswer;

class FixedClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override { return MonoTime{} + std::chrono::hours(1); }
  [[nodiscard]] WallTime wall_now() const noexcept override { return {}; }
};

SocketLimits small_limits() {
  SocketLimits limits;
  limits.line_bytes = 64;
  limits.frame_bytes = 256;
  return limits;
}

struct World {
  const FixedClock clock;
  SocketLimits limits = small_limits();
  const ModelLimits model;
  SessionStats stats;
  Complaints complaints{clock, 0};  // none: these tests provoke thousands
  RecordingCommands commands;
  http::AccessRules access;
  boost::asio::io_context io{1};
  std::atomic<std::size_t> open{0};
  http::ConnectionTable table{io, clock, limits, open};
  const SessionContext context{commands, access, limits, model, stats, complaints, table};
};

/// A connection without a socket.
class Talk {
 public:
  explicit Talk(World& world, bool trusted = false) : connection(world.context, "10.0.0.9", trusted) {}

  /// Bytes come; what is answered to them at once. "|wait" follows where commits are awaited, "|closed" at the end.
  std::string send(std::string_view bytes, std::size_t slice = std::string::npos) {
    std::string written;
    while (!bytes.empty()) {
      const auto room = connection.room();
      const auto size = std::min({room.size(), slice, bytes.size()});
      std::memcpy(room.data(), bytes.data(), size);
      connection.received(size);
      bytes.remove_prefix(size);
      written += run();
      if (written.ends_with('d') && written.ends_with("|closed")) break;
    }
    return written;
  }

  std::string run() {
    std::string written;
    for (;;) {
      const auto next = connection.advance();
      const auto output = connection.output();
      written += output;
      // As a full socket buffer would: not all of it at once.
      const auto half = output.size() / 2;
      connection.sent(half);
      connection.sent(output.size() - half);
      if (next == Connection::Next::read) return written;
      if (next == Connection::Next::close) return written + "|closed";
      if (next == Connection::Next::await) {
        connection.take_burst()->wait([this](const Burst::Slots& answers) { connection.settled(answers); });
        return written + "|wait";
      }
    }
  }

  std::string finish() {
    connection.finished();
    return run();
  }

  Connection connection;
};

std::string framed(std::string_view json) {
  std::string out;
  codec::append_request_frame(out, json);
  return out;
}

std::string framed_answer(const SocketAnswer& answer) {
  std::string out;
  codec::append_frame(out, answer);
  return out;
}

std::string beats(std::string_view id, std::size_t count) {
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) lines += "heartbeat " + std::string(id) + '\n';
  return lines;
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// ---- lines ----

TEST(SocketLines, AreAnsweredInTheirOrder) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("heartbeat a\nheartbeat nobody\nquery hive\nheartbeat b\n"),
            "OK\nNOT FOUND\n[\"hive after 0\"]\nOK\n");
}

TEST(SocketLines, PipelinedHeartbeatsGoInGroupsAndAreAnsweredInOneWrite) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send(beats("a", 40)), repeated("OK\n", 40));
  EXPECT_EQ(world.commands.groups, std::vector<std::size_t>{40});
}

TEST(SocketLines, AThousandHeartbeatsAtOnce) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send(beats("0a4b8a1c-5fb2-4c2e-9d66-2f3a5e1b7c90", 1000)), repeated("OK\n", 1000));
}

TEST(SocketLines, MayComeInAnySlices) {
  const std::string lines = "heartbeat a\r\n\r\n \nheartbeat b\nquery hive\nnonsense\n" + beats("c", 100) +
                            "{\"action\":\"query\",\"type\":\"x\"}\n";
  World whole;
  const auto expected = Talk(whole).send(lines);
  EXPECT_EQ(expected, "OK\nOK\n[\"hive after 0\"]\nERROR\n" + repeated("OK\n", 100) + "[\"x after 0\"]\n");
  for (std::size_t slice = 1; slice <= lines.size(); slice += slice < 80 ? 1 : 97) {
    World world;
    EXPECT_EQ(Talk(world).send(lines, slice), expected) << slice;
  }
}

TEST(SocketLines, WritesWaitForTheirCommitsSideBySide) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("register a 10.0.0.1 1\nregister a 10.0.0.2 2\nderegister u\nquery a\nheartbeat b\n"), "|wait");
  ASSERT_EQ(world.commands.submitted.size(), 3U);
  EXPECT_EQ(world.commands.submitted[0].address, "10.0.0.9");
  world.commands.tell("uuid-1");
  world.commands.tell("uuid-2");
  world.commands.tell(fail(ErrorCode::not_found, "no such instance"));
  EXPECT_EQ(talk.run(), "uuid-1\nuuid-2\nNOT FOUND\n[\"a after 3\"]\nOK\n") << "a read sees the writes before it";
}

TEST(SocketLines, AnswersComeInOrderWhateverCommitsFirst) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("register a 10.0.0.1 1\nregister a 10.0.0.2 66554\nregister a 10.0.0.3 3\n"), "|wait");
  world.commands.submitted[1].done(SocketAnswer{SocketAnswer::Kind::text, "second"});
  world.commands.submitted[0].done(SocketAnswer{SocketAnswer::Kind::text, "first"});
  EXPECT_EQ(talk.run(), "first\nERROR\nsecond\n");
}

TEST(SocketLines, AHeartbeatInDoubtIsAnsweredByTheCommit) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("heartbeat a\nheartbeat doubt-1\nheartbeat b\nquery hive\n"), "OK\n|wait");
  world.commands.tell(SocketAnswer::ok());
  EXPECT_EQ(talk.run(), "OK\nOK\n[\"hive after 1\"]\n");
}

TEST(SocketLines, AFaultIsErrorAndDisturbsNothingElse) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("register hive 127.0.0.1 66554\ndance\nquery \xC3\x28\nheartbeat\nheartbeat a\n"),
            "ERROR\nERROR\nERROR\nERROR\nOK\n");
  EXPECT_EQ(world.stats.refused_commands, 4U);
}

TEST(SocketLines, FailedWritesAreErrors) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("deregister u\n"), "|wait");
  world.commands.tell(fail(ErrorCode::unavailable, "the disk is full"));
  EXPECT_EQ(talk.run(), "ERROR\n");
}

TEST(SocketLines, OneThatIsTooLongEndsTheConnection) {
  World world;
  EXPECT_EQ(Talk(world).send("query " + std::string(58, 'x') + "\r\nheartbeat a\n"),
            "[\"" + std::string(58, 'x') + " after 0\"]\nOK\n");
  EXPECT_EQ(Talk(world).send("heartbeat a\nquery " + std::string(60, 'x') + '\n'), "OK\nERROR\n|closed");
  EXPECT_EQ(Talk(world).send(std::string(100, 'x')), "ERROR\n|closed");
  EXPECT_EQ(Talk(world).send(std::string(100, 'x'), 1), "ERROR\n|closed");
}

TEST(SocketLines, NoMoreThanTheLimitWaitAtOnce) {
  World world;
  world.limits.pipelined_commands = 2;
  Talk talk(world);
  EXPECT_EQ(talk.send("deregister a\nderegister b\nderegister c\n"), "|wait");
  EXPECT_EQ(world.commands.submitted.size(), 2U);
  world.commands.tell(SocketAnswer::ok());
  world.commands.tell(SocketAnswer::ok());
  EXPECT_EQ(talk.run(), "OK\nOK\n|wait");
  world.commands.tell(SocketAnswer::ok());
  EXPECT_EQ(talk.run(), "OK\n");
}

TEST(SocketLines, ThePeersEndEndsTheConnection) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("heartbeat a\n"), "OK\n");
  EXPECT_EQ(talk.finish(), "|closed");
  Talk cut(world);
  EXPECT_EQ(cut.send("register a 10.0.0.1 80"), "");
  EXPECT_EQ(cut.finish(), "ERROR\n|closed") << "the port may have been 8080";
}

TEST(SocketLines, ADrainEndsAnIdleConnection) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send("heartbeat a\nheart"), "OK\n");
  world.table.drain();
  EXPECT_EQ(talk.run(), "") << "the line in hand is awaited";
  EXPECT_EQ(talk.send("beat b\n"), "OK\n|closed");
}

// ---- frames ----

TEST(SocketFrames, HaveOneAnswer) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send(framed(R"({"action":"heartbeat","uuid":"a"})")), framed_answer(SocketAnswer::ok()) + "|closed");
}

TEST(SocketFrames, MayComeInAnySlices) {
  const auto bytes = framed(R"({"action":"query","type":"hive"})");
  for (std::size_t slice = 1; slice <= bytes.size(); ++slice) {
    World world;
    EXPECT_EQ(Talk(world).send(bytes, slice),
              framed_answer({SocketAnswer::Kind::json, "[\"hive after 0\"]"}) + "|closed");
  }
}

TEST(SocketFrames, WaitForTheirCommit) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send(framed(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":65433})")), "|wait");
  world.commands.tell("uuid-1");
  EXPECT_EQ(talk.run(), framed_answer({SocketAnswer::Kind::text, "uuid-1"}) + "|closed");
}

TEST(SocketFrames, BrokenOnesAreErrors) {
  const auto error = framed_answer(SocketAnswer::error()) + "|closed";
  World world;
  EXPECT_EQ(Talk(world).send(framed(R"({"action":"dance"})")), error);
  EXPECT_EQ(Talk(world).send(framed("{\"action\":\"\xFF\"}")), error);
  EXPECT_EQ(Talk(world).send(framed(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":66554})")), error);
  EXPECT_EQ(Talk(world).send(std::string("\0\5hello", 7)), error);
  EXPECT_EQ(Talk(world).send("\x08\xFFnever that long"), error);
  EXPECT_EQ(Talk(world).send(framed(std::string(257, ' '))), error);
  Talk cut(world);
  EXPECT_EQ(cut.send(framed("{}").substr(0, 20)), "");
  EXPECT_EQ(cut.finish(), error);
}

TEST(SocketFrames, CantBindForTheirConnectionEnds) {
  World world;
  Talk talk(world);
  EXPECT_EQ(talk.send(framed(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":1,"bound":true})")),
            framed_answer(SocketAnswer::error()) + "|closed");
  EXPECT_TRUE(world.commands.submitted.empty());
}

// ---- what is bound ----

TEST(SocketTies, AreMadeOnceAndEndOnce) {
  World world;
  {
    Talk talk(world);
    EXPECT_EQ(talk.send("register hive 10.0.0.1 1\n"), "|wait");
    EXPECT_FALSE(talk.connection.is_tied());
    world.commands.tell("uuid-1");
    EXPECT_EQ(talk.run(), "uuid-1\n");
    EXPECT_EQ(talk.send("register hive 10.0.0.1 1 bound\nresume u\nderegister u\n"), "|wait");
    EXPECT_TRUE(talk.connection.is_tied());
    EXPECT_EQ(world.commands.submitted[1].tie, TieId{1});
    EXPECT_EQ(world.commands.submitted[2].tie, TieId{1});
    EXPECT_FALSE(world.commands.submitted[3].tie);
    talk.connection.end(End::by_peer);
  }
  EXPECT_EQ(world.commands.untied, (std::vector{std::pair{TieId{1}, End::by_peer}}));
}

TEST(SocketTies, EndByUsUnlessToldOtherwise) {
  World world;
  {
    Talk talk(world);
    EXPECT_EQ(talk.send("resume u\n"), "|wait");
  }
  EXPECT_EQ(world.commands.untied, (std::vector{std::pair{TieId{1}, End::by_us}}));
}

// ---- tokens ----

struct GuardedWorld : World {
  GuardedWorld() {
    access.tokens = {{http::Role::read, "read-read-read-read"}, {http::Role::write, "write-write-write-write"}};
  }
};

TEST(SocketTokens, AreAskedForFirst) {
  GuardedWorld world;
  Talk talk(world);
  EXPECT_EQ(talk.send("query hive\nheartbeat a\nregister hive 10.0.0.1 1\n"), "ERROR\nERROR\nERROR\n");
  EXPECT_EQ(talk.send("auth write-write-write-write\nheartbeat a\nquery hive\n"), "OK\nOK\n[\"hive after 0\"]\n");
  EXPECT_EQ(Talk(world).send(framed(R"({"action":"query","type":"hive"})")),
            framed_answer(SocketAnswer::error()) + "|closed");
}

TEST(SocketTokens, OfReadersDontWrite) {
  GuardedWorld world;
  Talk talk(world);
  EXPECT_EQ(talk.send(R"({"action":"auth","token":"read-read-read-read"})"
                      "\nquery hive\nheartbeat a\nderegister a\n"),
            "OK\n[\"hive after 0\"]\nERROR\nERROR\n");
}

TEST(SocketTokens, ThatAreWrongEndTheConnection) {
  GuardedWorld world;
  EXPECT_EQ(Talk(world).send("auth guess-guess-guess\nauth write-write-write-write\n"), "ERROR\n|closed");
  World open;
  EXPECT_EQ(Talk(open).send("auth whatever\nheartbeat a\n"), "OK\nOK\n") << "where none is asked for, any will do";
}

TEST(SocketTokens, ArentAskedForOnLoopback) {
  GuardedWorld world;
  EXPECT_EQ(Talk(world, true).send("heartbeat a\n"), "OK\n");
}

TEST(SocketBytes, OfAnyKindEndInAnAnswerOrNone) {
  std::minstd_rand random(1);  // NOLINT(*-msc51-cpp): the same each time
  constexpr std::string_view kLetters("heartbeat \n\r{}\"\0\1\xFF", 19);
  for (int round = 0; round < 2'000; ++round) {
    World world;
    Talk talk(world);
    std::string bytes;
    for (auto size = random() % 300; size > 0; --size) bytes += kLetters[random() % kLetters.size()];
    (void)talk.send(bytes, 1 + random() % 50);
    (void)talk.finish();
  }
}

}  // namespace
}  // namespace rollcall::socket
