#include "api/socket_commands.hpp"

#include <gtest/gtest.h>

#include "api_harness.hpp"
#include "codec/line.hpp"

namespace rollcall::api {
namespace {

using namespace std::chrono_literals;
using codec::SocketAnswer;
using socket::End;
using socket::TieId;

class SocketCommandsTest : public ::testing::Test {
 protected:
  /// One line's answer; "ERROR field" where it was refused.
  std::string say(std::string_view line, TieId tie = {}) {
    auto command = codec::decode_line(line, ModelLimits{});
    if (!command) return "ERROR " + command.error().field;
    std::string said = "no answer";
    commands_->submit(*std::move(command), {"10.0.0.9", tie}, [&](const Result<SocketAnswer>& outcome) {
      said = outcome ? std::string(outcome->words()) : "ERROR " + outcome.error().field;
      if (!outcome && outcome.error().code == ErrorCode::not_found) said = "NOT FOUND";
    });
    harness_.settle();
    return said;
  }

  void end(TieId tie, End how) {
    commands_->untie(tie, how);
    harness_.settle();
  }

  bool beats(std::string_view id) {
    socket::Heard heard{};
    commands_->heartbeat({&id, 1}, {&heard, 1});
    return heard == socket::Heard::yes;
  }

  std::string instance(const std::string& id) { return harness_.get("/instances/" + id).body; }
  std::string history(const std::string& id) { return harness_.get("/instances/" + id + "/history").body; }
  bool is_alive(const std::string& id) { return harness_.get("/instances/" + id).status == 200; }

  ApiHarness harness_;
  const std::shared_ptr<BoundLeases> bound_ =
      std::make_shared<BoundLeases>(BoundLeases::Parts{.registry = harness_.registry(),
                                                       .catalog = harness_.catalog(),
                                                       .timers = harness_.registry_executor(),
                                                       .clock = harness_.clock(),
                                                       .most_per_tie = 3});
  const std::unique_ptr<socket::Commands> commands_ =
      make_socket_commands({harness_.registry(), harness_.catalog(), harness_.reader(), harness_.limits(),
                            harness_.lane(), harness_.clock(), bound_});
};

TEST_F(SocketCommandsTest, ARegistrationGetsAnIdOfTheRegistrys) {
  const auto id = say("register hive 127.0.0.1 65433");
  EXPECT_EQ(id.size(), 36U);
  EXPECT_NE(say("register hive 127.0.0.1 65433"), id) << "each is one of its own";
  const auto shown = instance(id);
  EXPECT_NE(shown.find(R"("source":"socket")"), std::string::npos) << shown;
  EXPECT_NE(shown.find(R"("ttl":30,"deregister_after":0)"), std::string::npos) << shown;
}

TEST_F(SocketCommandsTest, WhoBeatsLivesOnAndWhoDoesntIsRemoved) {
  const auto loud = say("register hive 127.0.0.1 1");
  const auto silent = say("register hive 127.0.0.1 2");
  harness_.advance(20s);
  EXPECT_TRUE(beats(loud));
  harness_.advance(11s);
  EXPECT_EQ(say("query hive"), R"([{"ip":"127.0.0.1","port":1}])");
  EXPECT_FALSE(beats(silent));
  EXPECT_EQ(say("heartbeat " + silent), "NOT FOUND");
  EXPECT_EQ(say("heartbeat " + loud), "OK");
}

TEST_F(SocketCommandsTest, AQueryShowsWhatIsWellWhoeverRegisteredIt) {
  EXPECT_EQ(say("query hive"), "[]");
  EXPECT_EQ(harness_.put("/services/hive/instances/a", R"({"address":"10.0.0.1","port":80,"ttl":3600})").status, 201U);
  EXPECT_EQ(harness_.put("/services/hive/instances/b\"1", R"({"address":"10.0.0.2","port":80,"ttl":3600})").status,
            201U);
  EXPECT_EQ(harness_.put("/services/hive/instances/c", R"({"address":"10.0.0.3","ttl":3600})").status, 201U);
  EXPECT_EQ(harness_.put("/services/hive/instances/d", R"({"address":"10.0.0.4","port":80,"ttl":3600})").status, 201U);
  EXPECT_EQ(harness_.put("/instances/d/maintenance", R"({"enabled":true,"reason":"x"})").status, 200U);
  Observe seen;
  seen.id = InstanceId("p");
  seen.spec.service = ServiceName("hive");
  seen.spec.address = "10.0.0.5";
  seen.spec.port = 80;
  harness_.observe(seen);
  const std::string both = R"([{"ip":"10.0.0.1","port":80},{"ip":"10.0.0.2","port":80},{"ip":"10.0.0.5","port":80}])";
  EXPECT_EQ(say("query hive"), both) << "none without a port, none in maintenance";
  harness_.advance(31s);
  EXPECT_EQ(say("query hive"), R"([{"ip":"10.0.0.5","port":80}])") << "its lease lives, but it hasn't beaten for 30 s";
  EXPECT_EQ(harness_.put("/instances/b\"1/heartbeat").status, 204U);
  EXPECT_EQ(say("query hive"), R"([{"ip":"10.0.0.2","port":80},{"ip":"10.0.0.5","port":80}])");
}

TEST_F(SocketCommandsTest, AHeartbeatTouchesOnlyWhatCameOverTheSocket) {
  const auto id = say("register hive 127.0.0.1 1");
  const auto* const patient = R"({"address":"10.0.0.1","port":80,"ttl":30,"deregister_after":600})";
  EXPECT_EQ(harness_.put("/services/hive/instances/a", patient).status, 201U);
  EXPECT_TRUE(beats(id));
  EXPECT_FALSE(beats("a"));
  EXPECT_EQ(say("heartbeat a"), "NOT FOUND");
  harness_.advance(31s);
  EXPECT_FALSE(beats("a")) << "not even where it waits for one";
  EXPECT_EQ(say("heartbeat a"), "NOT FOUND");
  EXPECT_NE(instance("a").find("critical"), std::string::npos);
}

TEST_F(SocketCommandsTest, DeregisteringTouchesOnlyWhatCameOverTheSocket) {
  const auto id = say("register hive 127.0.0.1 1");
  EXPECT_EQ(say("deregister " + id), "OK");
  EXPECT_EQ(say("deregister " + id), "NOT FOUND");
  EXPECT_NE(history(id).find("removed by 10.0.0.9"), std::string::npos);
  EXPECT_EQ(harness_.put("/services/hive/instances/a", R"({"address":"10.0.0.1","port":80})").status, 201U);
  EXPECT_EQ(say("deregister a"), "ERROR id");
}

TEST_F(SocketCommandsTest, WritesFailWhereTheStoreDoes) {
  harness_.fail_writes(true);
  EXPECT_TRUE(say("register hive 127.0.0.1 1").starts_with("ERROR"));
}

// ---- bound ----

TEST_F(SocketCommandsTest, ABoundInstanceGoesWithItsConnection) {
  const auto tie = commands_->tie();
  const auto id = say("register hive 127.0.0.1 1 bound", tie);
  const auto other = say("register hive 127.0.0.1 2", tie);
  end(tie, End::by_peer);
  EXPECT_FALSE(is_alive(id));
  EXPECT_TRUE(is_alive(other)) << "it was never bound";
  EXPECT_NE(history(id).find("its connection closed"), std::string::npos);
}

TEST_F(SocketCommandsTest, ASilentHostEndsItToo) {
  const auto tie = commands_->tie();
  const auto id = say("register hive 127.0.0.1 1 bound", tie);
  end(tie, End::silent);
  EXPECT_NE(history(id).find("its connection fell silent"), std::string::npos);
}

TEST_F(SocketCommandsTest, AnEndOfOurMakingLeavesItItsTtl) {
  const auto tie = commands_->tie();
  const auto id = say("register hive 127.0.0.1 1 bound grace=1", tie);
  end(tie, End::by_us);
  harness_.advance(25s);
  EXPECT_TRUE(is_alive(id));
  harness_.advance(6s);
  EXPECT_FALSE(is_alive(id));
  EXPECT_NE(history(id).find("no heartbeat"), std::string::npos);
}

TEST_F(SocketCommandsTest, AGraceWaitsForAResume) {
  const auto tie = commands_->tie();
  const auto lost = say("register hive 127.0.0.1 1 bound grace=2", tie);
  const auto back = say("register hive 127.0.0.1 2 bound grace=2", tie);
  end(tie, End::by_peer);
  harness_.advance(1s);
  EXPECT_TRUE(is_alive(lost));
  const auto next = commands_->tie();
  EXPECT_EQ(say("resume " + back, next), "OK");
  harness_.advance(1100ms);
  EXPECT_FALSE(is_alive(lost));
  EXPECT_NE(history(lost).find("its connection closed and wasn't resumed within 2 s"), std::string::npos)
      << history(lost);
  EXPECT_TRUE(is_alive(back));
  EXPECT_EQ(say("resume " + lost, next), "NOT FOUND");
  end(next, End::by_peer);
  harness_.advance(2100ms);
  EXPECT_FALSE(is_alive(back)) << "its grace began anew";
}

TEST_F(SocketCommandsTest, AResumeTakesItFromAConnectionThatOnlyLooksAlive) {
  const auto old = commands_->tie();
  const auto id = say("register hive 127.0.0.1 1 bound", old);
  const auto next = commands_->tie();
  EXPECT_EQ(say("resume " + id, next), "OK");
  end(old, End::by_peer);
  EXPECT_TRUE(is_alive(id));
  end(next, End::by_peer);
  EXPECT_FALSE(is_alive(id));
}

TEST_F(SocketCommandsTest, AResumeBindsWhatARestartLeftUnbound) {
  const auto tie = commands_->tie();
  const auto id = say("register hive 127.0.0.1 1 bound grace=0.5", tie);
  end(tie, End::by_us);
  const auto next = commands_->tie();
  EXPECT_EQ(say("resume " + id, next), "OK");
  end(next, End::by_peer);
  EXPECT_TRUE(is_alive(id));
  harness_.advance(600ms);
  EXPECT_FALSE(is_alive(id));
}

TEST_F(SocketCommandsTest, AResumeIsAHeartbeat) {
  const auto tie = commands_->tie();
  const auto id = say("register hive 127.0.0.1 1 bound", tie);
  harness_.advance(20s);
  EXPECT_EQ(say("resume " + id, tie), "OK");
  harness_.advance(20s);
  EXPECT_TRUE(is_alive(id));
}

TEST_F(SocketCommandsTest, OnlyWhatIsBoundCanBeResumed) {
  const auto tie = commands_->tie();
  EXPECT_EQ(say("resume nobody", tie), "NOT FOUND");
  EXPECT_EQ(say("resume " + say("register hive 127.0.0.1 1"), tie), "ERROR uuid");
  EXPECT_EQ(harness_.put("/services/hive/instances/a", R"({"port":1,"metadata":{"bound_grace_ms":"0"}})").status, 201U);
  EXPECT_EQ(say("resume a", tie), "ERROR uuid");
}

TEST_F(SocketCommandsTest, AGraceIsAtMostTheTtl) {
  const auto tie = commands_->tie();
  EXPECT_EQ(say("register hive 127.0.0.1 1 bound grace=31", tie), "ERROR grace");
  EXPECT_EQ(say("register hive 127.0.0.1 1 bound grace=30", tie).size(), 36U);
}

TEST_F(SocketCommandsTest, AConnectionHasSoManyInstancesAtMost) {
  const auto tie = commands_->tie();
  const auto first = say("register hive 127.0.0.1 1 bound", tie);
  (void)say("register hive 127.0.0.1 2 bound", tie);
  (void)say("register hive 127.0.0.1 3 bound", tie);
  EXPECT_EQ(say("register hive 127.0.0.1 4 bound", tie), "ERROR connection");
  EXPECT_EQ(say("deregister " + first), "OK");
  EXPECT_EQ(say("register hive 127.0.0.1 4 bound", tie).size(), 36U);
  harness_.advance(31s);
  EXPECT_EQ(say("register hive 127.0.0.1 5 bound", tie).size(), 36U) << "those that expired don't count";
}

TEST_F(SocketCommandsTest, ARefusedRegistrationTakesNoPlace) {
  const auto tie = commands_->tie();
  harness_.fail_writes(true);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(say("register hive 127.0.0.1 1 bound", tie).starts_with("ERROR"));
  harness_.fail_writes(false);
  EXPECT_EQ(say("register hive 127.0.0.1 1 bound", tie).size(), 36U);
}

TEST_F(SocketCommandsTest, ACommandUnderWayBindsNothingToAnEndedConnection) {
  const auto tie = commands_->tie();
  end(tie, End::by_us);
  EXPECT_EQ(say("register hive 127.0.0.1 1 bound", tie), "ERROR connection");
}

}  // namespace
}  // namespace rollcall::api
