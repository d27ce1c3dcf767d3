#include "codec/frame.hpp"

#include <gtest/gtest.h>

namespace rollcall::codec {
namespace {

constexpr FrameLimits kLimits{.header_bytes = 1024, .content_bytes = 4096};

std::string frame_of(std::string_view header, std::string_view content) {
  std::string frame;
  frame += static_cast<char>(header.size() >> 8);
  frame += static_cast<char>(header.size() & 0xFF);
  frame += header;
  frame += content;
  return frame;
}

/// As Python's json.dumps writes it, which is what the original's client sends.
std::string header_of(std::size_t length, std::string_view type = "text/json", std::string_view encoding = "utf-8") {
  return R"({"byteorder": "little", "content-type": ")" + std::string(type) + R"(", "content-encoding": ")" +
         std::string(encoding) + R"(", "content-length": )" + std::to_string(length) + "}";
}

Result<std::optional<std::string_view>> read_whole(std::string_view bytes) { return FrameReader(kLimits).read(bytes); }

TEST(Frame, HasItsContent) {
  const std::string content = R"({"action":"query","type":"hive"})";
  const auto frame = frame_of(header_of(content.size()), content);
  const auto read = read_whole(frame);
  ASSERT_TRUE(read) << read.error().field << read.error().message;
  EXPECT_EQ(*read, content);
}

TEST(Frame, ComesInSlices) {
  const auto frame = frame_of(header_of(5), "12345");
  for (std::size_t slice = 1; slice <= frame.size(); ++slice) {
    FrameReader reader(kLimits);
    for (std::size_t end = slice;; end = std::min(end + slice, frame.size())) {
      const auto read = reader.read(std::string_view(frame).substr(0, end));
      ASSERT_TRUE(read);
      ASSERT_EQ(read->has_value(), end == frame.size());
      if (end == frame.size()) break;
    }
  }
}

TEST(Frame, EndsWhereTheHeaderSays) {
  const auto bytes = frame_of(header_of(3), "123456");
  EXPECT_EQ(*read_whole(bytes), "123");
  EXPECT_EQ(*read_whole(frame_of(header_of(0), "")), "");
}

TEST(Frame, NeedsAllOfItsHeader) {
  for (const std::string_view header :
       {R"({"content-type":"text/json","content-encoding":"utf-8","content-length":2})",
        R"({"byteorder":"little","content-encoding":"utf-8","content-length":2})",
        R"({"byteorder":"little","content-type":"text/json","content-length":2})",
        R"({"byteorder":"little","content-type":"text/json","content-encoding":"utf-8"})",
        R"({"byteorder":"middle","content-type":"text/json","content-encoding":"utf-8","content-length":2})",
        R"({"byteorder":"little","content-type":"text/json","content-encoding":"utf-8","content-length":-1})",
        R"({"byteorder":"little","content-type":"text/json","content-encoding":"utf-8","content-length":"2"})", R"([])",
        "nothing like it", "{\"byteorder\":\"\xFF\"}"}) {
    EXPECT_FALSE(read_whole(frame_of(header, "{}"))) << header;
  }
  EXPECT_FALSE(read_whole(frame_of(header_of(2, "binary/custom"), "{}")));
  EXPECT_FALSE(read_whole(frame_of(header_of(2, "text/json", "utf-16"), "{}")));
  EXPECT_TRUE(read_whole(frame_of(header_of(2, "text/json", "UTF-8"), "{}")));
}

TEST(Frame, IsBounded) {
  EXPECT_FALSE(read_whole(std::string_view("\0\0", 2)));
  EXPECT_FALSE(read_whole("\x04\x01"));  // 1025, told before the header has come
  EXPECT_TRUE(read_whole(std::string_view("\x04\x00", 2)));
  EXPECT_FALSE(read_whole(frame_of(header_of(4097), "")));
  EXPECT_TRUE(read_whole(frame_of(header_of(4096), "")));
}

TEST(Frame, BeginsAsNoLineDoes) {
  for (int byte = 0; byte <= static_cast<int>(kFrameHeaderMost >> 8); ++byte) {
    EXPECT_TRUE(begins_frame(static_cast<char>(byte))) << byte;
  }
  for (const char first : std::string_view("rhqd{ \t\r\n\xC3\xFF")) EXPECT_FALSE(begins_frame(first));
}

TEST(Frame, AnswersAsTheOriginalDoes) {
  std::string out;
  append_frame(out, SocketAnswer::not_found());
  const std::string_view header =
      R"({"byteorder":"little","content-type":"text/plain","content-encoding":"utf-8","content-length":9})";
  EXPECT_EQ(out, frame_of(header, "NOT FOUND"));
  out.clear();
  append_frame(out, {SocketAnswer::Kind::json, "[]"});
  EXPECT_NE(out.find("text/json"), std::string::npos);
  EXPECT_TRUE(out.ends_with("[]"));
}

TEST(Frame, OfARequestCanBeRead) {
  std::string out;
  append_request_frame(out, R"({"action":"query"})");
  EXPECT_EQ(*read_whole(out), R"({"action":"query"})");
}

// ---- what is in it ----

SocketCommand decoded(std::string_view json, UnknownMembers unknown = UnknownMembers::ignored) {
  auto command = decode_command(json, unknown, ModelLimits{});
  EXPECT_TRUE(command) << json << ": " << (command ? "" : command.error().field + ' ' + command.error().message);
  return command ? *command : SocketCommand{};
}

std::string fault(std::string_view json, UnknownMembers unknown = UnknownMembers::ignored) {
  const auto command = decode_command(json, unknown, ModelLimits{});
  return command ? "none" : command.error().field;
}

TEST(SocketCommandJson, HasTheOriginalsActions) {
  EXPECT_EQ(decoded(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":65433})"),
            SocketCommand(RegisterCommand{ServiceName("hive"), "127.0.0.1", 65433, std::nullopt}));
  EXPECT_EQ(decoded(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":"65433"})"),
            SocketCommand(RegisterCommand{ServiceName("hive"), "127.0.0.1", 65433, std::nullopt}));
  EXPECT_EQ(decoded(R"({"action":"heartbeat","uuid":"u"})"), SocketCommand(HeartbeatCommand{InstanceId("u")}));
  EXPECT_EQ(decoded(R"({"action":"heartbeat","service_uuid":"u"})"), SocketCommand(HeartbeatCommand{InstanceId("u")}));
  EXPECT_EQ(decoded(R"({"action":"query","type":"hive"})"), SocketCommand(QueryCommand{ServiceName("hive")}));
}

TEST(SocketCommandJson, HasMore) {
  EXPECT_EQ(decoded(R"({"action":"deregister","uuid":"u"})"), SocketCommand(DeregisterCommand{InstanceId("u")}));
  EXPECT_EQ(decoded(R"({"action":"resume","uuid":"u"})"), SocketCommand(ResumeCommand{InstanceId("u")}));
  using std::chrono::milliseconds;
  EXPECT_EQ(decoded(R"({"action":"register","type":"t","ip":"i","port":1,"bound":true,"grace":1.5})"),
            SocketCommand(RegisterCommand{ServiceName("t"), "i", 1, milliseconds{1500}}));
  EXPECT_EQ(decoded(R"({"action":"register","type":"t","ip":"i","port":1,"bound":true})"),
            SocketCommand(RegisterCommand{ServiceName("t"), "i", 1, milliseconds{0}}));
  EXPECT_EQ(decoded(R"({"action":"register","type":"t","ip":"i","port":1,"bound":false})"),
            SocketCommand(RegisterCommand{ServiceName("t"), "i", 1, std::nullopt}));
}

TEST(SocketCommandJson, NamesWhatIsWrong) {
  EXPECT_EQ(fault(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":66554})"), "port");
  EXPECT_EQ(fault(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":0})"), "port");
  EXPECT_EQ(fault(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":"66554"})"), "port");
  EXPECT_EQ(fault(R"({"action":"register","type":"hive","ip":"127.0.0.1","port":"8 "})"), "port");
  EXPECT_EQ(fault(R"({"action":"register","type":"hive","ip":"127.0.0.1"})"), "port");
  EXPECT_EQ(fault(R"({"action":"register","type":"hive","ip":"","port":1})"), "ip");
  EXPECT_EQ(fault(R"({"action":"register","type":7,"ip":"i","port":1})"), "type");
  EXPECT_EQ(fault(R"({"action":"register","type":"a\nb","ip":"i","port":1})"), "type");
  EXPECT_EQ(fault(R"({"action":"register","type":"t","ip":"i","port":1,"grace":1})"), "grace");
  EXPECT_EQ(fault(R"({"action":"register","type":"t","ip":"i","port":1,"bound":1})"), "bound");
  EXPECT_EQ(fault(R"({"action":"heartbeat"})"), "uuid");
  EXPECT_EQ(fault(R"({"action":"dance"})"), "action");
  EXPECT_EQ(fault(R"({"type":"hive"})"), "action");
  EXPECT_EQ(fault(R"({"action":"query","type":"a","type":"b"})"), "type");
  for (const std::string_view json : {"", "[]", "\"register\"", "{", "{}x", "{\"action\":\"\xFF\"}"}) {
    EXPECT_NE(fault(json), "none") << json;
  }
}

TEST(SocketCommandJson, IgnoresWhatTheOriginalDidntKnow) {
  const std::string_view json = R"({"action":"query","type":"hive","colour":"red"})";
  EXPECT_EQ(decoded(json), SocketCommand(QueryCommand{ServiceName("hive")}));
  EXPECT_EQ(fault(json, UnknownMembers::refused), "colour");
}

}  // namespace
}  // namespace rollcall::codec
