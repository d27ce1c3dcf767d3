#include "http/h2/connection_fixture.hpp"
#include "http/test_gunzip.hpp"

namespace rollcall::http::h2 {
namespace {

TEST_F(H2Test, AnswersWithTheFieldsOfEveryVersion) {
  TestClient client;
  const auto id = client.get("/hello");
  talk(client);
  const auto& reply = client.reply(id);
  EXPECT_EQ(reply.status(), "200");
  EXPECT_EQ(reply.body, "{}");
  EXPECT_EQ(reply.fields.at("content-type"), "application/json");
  EXPECT_EQ(reply.fields.at("content-length"), "2");
  EXPECT_EQ(reply.fields.at("etag"), "W/\"7\"");
  EXPECT_EQ(reply.fields.at("cache-control"), "no-store");
  EXPECT_EQ(reply.fields.at("date"), "Thu, 15 Jan 2026 10:00:00 GMT");
  EXPECT_EQ(reply.fields.at("x-told"), "yes");
  EXPECT_EQ(reply.closed, NGHTTP2_NO_ERROR);
  EXPECT_FALSE(connection_->has_streams());
}

TEST_F(H2Test, HeadAndNotModifiedHaveNoBody) {
  TestClient client;
  auto conditional = TestClient::request("GET", "/hello");
  conditional.emplace_back("if-none-match", "W/\"7\"");
  const auto head = client.send(TestClient::request("HEAD", "/hello"));
  const auto same = client.send(conditional);
  talk(client);
  EXPECT_EQ(client.reply(head).fields.at("content-length"), "2");
  EXPECT_EQ(client.reply(head).body, "");
  EXPECT_EQ(client.reply(same).status(), "304");
  EXPECT_EQ(client.reply(same).body, "");
}

TEST_F(H2Test, UnderstandsARequestHoweverItIsCut) {
  for (std::size_t slice = 1; slice < 40; ++slice) {
    connection_ = nullptr;
    TestClient client;
    auto fields = TestClient::request("POST", "/echo?a=b");
    fields.emplace_back("content-type", "application/json");
    const auto id = client.send(fields, "the body");
    talk(client, slice);
    EXPECT_EQ(client.reply(id).status(), "201");
    EXPECT_EQ(client.reply(id).body, "/echo?a=b:the body@10.0.0.9 localhost application/json") << slice;
  }
}

TEST_F(H2Test, SendsALargeBodyThroughSmallWindows) {
  TestClient client(1000);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(client.get("/large"));
  talk(client);
  for (const auto id : ids) {
    EXPECT_EQ(client.reply(id).body.size(), 200'002);
    EXPECT_EQ(client.reply(id).body.substr(0, 3), "[pp");
    EXPECT_TRUE(client.reply(id).body.ends_with("p]"));
    EXPECT_EQ(client.reply(id).closed, NGHTTP2_NO_ERROR);
  }
}

TEST_F(H2Test, CompressesALongBodyForWhoAsks) {
  TestClient client(1000);
  auto fields = TestClient::request("GET", "/large");
  fields.emplace_back("accept-encoding", "br, gzip");
  const auto id = client.send(fields);
  fields.front().second = "HEAD";
  const auto head = client.send(fields);
  const auto plain = client.get("/large");
  talk(client);
  EXPECT_EQ(gunzip(client.reply(id).body), client.reply(plain).body);
  EXPECT_EQ(client.reply(id).fields, client.reply(head).fields);
  EXPECT_EQ(client.reply(id).fields.at("content-encoding"), "gzip");
  for (const auto one : {id, plain}) EXPECT_EQ(client.reply(one).fields.at("vary"), "Accept-Encoding");
  EXPECT_EQ(stats_.streams + stats_.compressing, 0);
}

TEST_F(H2Test, LeavesTheTurnToOthersWhileItMakesALongBody) {
  TestClient client(1 << 30);
  client.widen(1 << 30);
  const auto id = client.get("/endless");
  connect();
  connection_->receive(client.output());
  limits_.h2_output_bytes = 1 << 30;
  connection_->advance();
  EXPECT_EQ(stage_.pulled, 8 * limits_.stream_bytes);
  EXPECT_TRUE(connection_->wants_turn());
  EXPECT_TRUE(rung_);
  connection_->advance();
  EXPECT_EQ(stage_.pulled, 16 * limits_.stream_bytes);
  client.receive(connection_->output());
  EXPECT_EQ(client.reply(id).body.size(), stage_.pulled);
}

TEST_F(H2Test, HoldsNoMoreOutputThanItMay) {
  limits_.h2_output_bytes = 30'000;
  TestClient client((1 << 30));
  for (int i = 0; i < 20; ++i) (void)client.get("/large");
  talk(client);
  EXPECT_LT(most_output_, 30'000 + 17'000);
  EXPECT_FALSE(connection_->has_streams());
}

TEST_F(H2Test, ReadsNothingWhileTooMuchIsToBeSent) {
  limits_.h2_output_bytes = 30'000;
  TestClient client;
  (void)client.get("/large");
  connect();
  connection_->receive(client.output());
  EXPECT_TRUE(connection_->wants_input());
  connection_->advance();
  EXPECT_FALSE(connection_->wants_input());
  connection_->sent(connection_->output().size());
  EXPECT_TRUE(connection_->wants_input());
}

TEST_F(H2Test, SendsWhoResetsTooOftenAway) {
  TestClient client;
  for (int i = 0; i < 20; ++i) {
    const auto id = client.get("/held");
    talk(client);
    client.reset(id);
    talk(client);
  }
  EXPECT_FALSE(client.goaway);
  const auto id = client.get("/held");
  talk(client);
  client.reset(id);
  talk(client);
  EXPECT_EQ(client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(connection_->over());
  EXPECT_EQ(stage_.alive, 0);
}

TEST_F(H2Test, RefusesALongHeaderList) {
  TestClient client;
  auto fields = TestClient::request("GET", "/hello");
  for (int i = 0; i < 30; ++i) fields.emplace_back("x-much", std::string(100, 'x'));
  const auto refused = client.send(fields);
  const auto fine = client.get("/hello");
  talk(client);
  EXPECT_EQ(client.reply(refused).status(), "431");
  EXPECT_EQ(client.reply(fine).status(), "200");
}

TEST_F(H2Test, RefusesALongBody) {
  TestClient client;
  const auto id = client.send(TestClient::request("POST", "/echo"), std::string(200'000, 'x'));
  auto announced = TestClient::request("POST", "/echo");
  announced.emplace_back("content-length", "200000");
  const auto early = client.send(announced, "", false);
  talk(client);
  EXPECT_EQ(client.reply(id).status(), "413");
  EXPECT_EQ(client.reply(early).status(), "413");
  EXPECT_FALSE(client.reply(early).closed);
  limits_.request_timeout = std::chrono::milliseconds(0);
  connection_->time_out_requests();
  talk(client);
  EXPECT_EQ(client.reply(early).closed, NGHTTP2_NO_ERROR);
  EXPECT_FALSE(connection_->has_streams());
}

TEST_F(H2Test, LetsAClientSendALittleMoreAfterTheAnswer) {
  TestClient client;
  const auto id = client.send(TestClient::request("POST", "/echo"), std::string(1'000'000, 'x'));
  talk(client);
  EXPECT_EQ(client.reply(id).status(), "413");
  EXPECT_EQ(client.reply(id).closed, NGHTTP2_NO_ERROR);
  EXPECT_FALSE(connection_->has_streams());
}

TEST_F(H2Test, BoundsTheBodiesOfAllStreams) {
  limits_.h2_bodies_bytes = 100'000;
  TestClient client;
  const auto first = client.send(TestClient::request("POST", "/echo"), std::string(60'000, 'x'), false);
  talk(client);
  const auto second = client.send(TestClient::request("POST", "/echo"), std::string(60'000, 'x'));
  talk(client);
  EXPECT_EQ(client.reply(first).status(), "");
  EXPECT_EQ(client.reply(second).status(), "503");
}

TEST_F(H2Test, RefusesFieldsThatContradictEachOther) {
  TestClient client;
  std::vector<std::int32_t> ids;
  for (const auto* name : {"host", "origin", "authorization", "content-type"}) {
    auto fields = TestClient::request("GET", "/hello");
    fields.emplace_back(name, "a.example");
    fields.emplace_back(name == std::string_view("host") ? "x" : name, "b.example");
    ids.push_back(client.send(fields));
  }
  talk(client);
  for (const auto id : ids) EXPECT_EQ(client.reply(id).status(), "400");
}

TEST_F(H2Test, GivesLeaveToSendABody) {
  TestClient client;
  auto fields = with_json("/echo");
  fields.emplace_back("expect", "100-continue");
  const auto id = client.send(fields, "b");
  talk(client);
  EXPECT_EQ(client.reply(id).informational, 1);
  EXPECT_EQ(client.reply(id).status(), "201");
}

TEST_F(H2Test, WhoFloodsAndReadsNothingIsSentAway) {
  TestClient client;
  connect();
  connection_->receive(client.output());
  for (int i = 0; i < 2000 && !connection_->over(); ++i) {
    client.ping();
    connection_->receive(client.output());
  }
  EXPECT_TRUE(connection_->over());
}

TEST_F(H2Test, WhatIsNotHttp2EndsTheConnection) {
  connect();
  connection_->receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame, and long enough to be one");
  connection_->advance();
  connection_->sent(connection_->output().size());
  EXPECT_TRUE(connection_->over());
}

}  // namespace
}  // namespace rollcall::http::h2
