#include "codec/line.hpp"

#include <gtest/gtest.h>

namespace rollcall::codec {
namespace {

using std::chrono::milliseconds;

SocketCommand decoded(std::string_view line) {
  auto command = decode_line(line, ModelLimits{});
  EXPECT_TRUE(command) << line << ": " << (command ? "" : command.error().field + ' ' + command.error().message);
  return command ? *command : SocketCommand{};
}

std::string fault(std::string_view line) {
  const auto command = decode_line(line, ModelLimits{});
  return command ? "none" : command.error().field;
}

RegisterCommand hive(std::optional<milliseconds> bound_grace) {
  return {ServiceName("hive"), "127.0.0.1", 65433, bound_grace};
}

TEST(Line, OfWords) {
  EXPECT_EQ(decoded("register hive 127.0.0.1 65433"), SocketCommand(hive(std::nullopt)));
  EXPECT_EQ(decoded("register hive 127.0.0.1 65433 bound"), SocketCommand(hive(milliseconds{0})));
  EXPECT_EQ(decoded("register hive 127.0.0.1 65433 bound grace=5"), SocketCommand(hive(milliseconds{5000})));
  EXPECT_EQ(decoded("register hive 127.0.0.1 65433 bound grace=0.25"), SocketCommand(hive(milliseconds{250})));
  EXPECT_EQ(decoded("register hive 127.0.0.1 65433 bound grace=500ms"), SocketCommand(hive(milliseconds{500})));
  EXPECT_EQ(decoded("heartbeat u-1"), SocketCommand(HeartbeatCommand{InstanceId("u-1")}));
  EXPECT_EQ(decoded("query hive"), SocketCommand(QueryCommand{ServiceName("hive")}));
  EXPECT_EQ(decoded("deregister u-1"), SocketCommand(DeregisterCommand{InstanceId("u-1")}));
  EXPECT_EQ(decoded("resume u-1"), SocketCommand(ResumeCommand{InstanceId("u-1")}));
  EXPECT_EQ(decoded("auth s3cret"), SocketCommand(AuthCommand{"s3cret"}));
  EXPECT_EQ(decoded("watch hive"), SocketCommand(WatchCommand{ServiceName("hive"), std::nullopt}));
  EXPECT_EQ(decoded("watch hive 41"), SocketCommand(WatchCommand{ServiceName("hive"), Revision{41}}));
  EXPECT_EQ(fault("watch hive -1"), "revision");
  EXPECT_EQ(fault("watch hive 1 2"), "line");
  EXPECT_EQ(decoded("  query\t  hive "), SocketCommand(QueryCommand{ServiceName("hive")}));
  EXPECT_EQ(decoded("query bienenstöcke"), SocketCommand(QueryCommand{ServiceName("bienenstöcke")}));
}

TEST(Line, OfJson) {
  EXPECT_EQ(decoded(R"({"action":"query","type":"a hive"})"), SocketCommand(QueryCommand{ServiceName("a hive")}));
  EXPECT_EQ(decoded(R"( {"action":"query","type":"hive"})"), SocketCommand(QueryCommand{ServiceName("hive")}));
  EXPECT_EQ(fault(R"({"action":"query","type":"hive","tipe":1})"), "tipe");
}

TEST(Line, NamesWhatIsWrong) {
  EXPECT_EQ(fault("register hive 127.0.0.1 66554"), "port");
  EXPECT_EQ(fault("register hive 127.0.0.1 0"), "port");
  EXPECT_EQ(fault("register hive 127.0.0.1 -1"), "port");
  EXPECT_EQ(fault("register hive 127.0.0.1 http"), "port");
  EXPECT_EQ(fault("register hive 127.0.0.1"), "line");
  EXPECT_EQ(fault("register hive 127.0.0.1 1 unbound"), "line");
  EXPECT_EQ(fault("register hive 127.0.0.1 1 grace=1"), "line");
  EXPECT_EQ(fault("register hive 127.0.0.1 1 bound grace=1 more"), "line");
  EXPECT_EQ(fault("register hive 127.0.0.1 1 bound grace=soon"), "grace");
  EXPECT_EQ(fault("register hive 127.0.0.1 1 bound grace=-1"), "grace");
  EXPECT_EQ(fault("heartbeat"), "line");
  EXPECT_EQ(fault("heartbeat a b"), "line");
  EXPECT_EQ(fault("query " + std::string(256, 'x')), "type");
  EXPECT_EQ(fault("query \xC3"), "type");
  EXPECT_EQ(fault("Query hive"), "action");
  EXPECT_EQ(fault("dance"), "action");
  EXPECT_EQ(fault("\xFF\xFE"), "action");
  EXPECT_EQ(fault("   "), "line");
}

TEST(Line, AHeartbeatIsRecognisedAtOnce) {
  const ModelLimits limits;
  EXPECT_EQ(plain_heartbeat("heartbeat 0a1b-2", limits), "0a1b-2");
  for (const std::string_view line : {"heartbeat", "heartbeat ", "heartbeat a b", "heartbeat a ", "heartbeat \xC3\xB6",
                                      "heartbeat a\t", "query a", "heartbeats a", ""}) {
    EXPECT_EQ(plain_heartbeat(line, limits), std::nullopt) << line;
  }
  EXPECT_EQ(plain_heartbeat("heartbeat " + std::string(256, 'x'), limits), std::nullopt);
}

TEST(Line, AnAnswerIsOne) {
  std::string out;
  append_line(out, SocketAnswer::ok());
  append_line(out, SocketAnswer::not_found());
  append_line(out, SocketAnswer::error());
  append_line(out, {SocketAnswer::Kind::text, "u-1"});
  append_line(out, {SocketAnswer::Kind::json, "[]"});
  EXPECT_EQ(out, "OK\nNOT FOUND\nERROR\nu-1\n[]\n");
}

}  // namespace
}  // namespace rollcall::codec
