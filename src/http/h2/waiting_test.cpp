#include "http/h2/connection_fixture.hpp"

namespace rollcall::http::h2 {
namespace {

TEST_F(H2Test, PullsNoFasterThanASlowReaderReads) {
  TestClient client(5000, false);
  const auto id = client.get("/endless");
  talk(client);
  EXPECT_EQ(client.reply(id).body.size(), 5000);
  EXPECT_TRUE(connection_->is_held_up());
  EXPECT_LE(stage_.pulled, limits_.stream_bytes);
  client.take(id, 3000);
  talk(client);
  EXPECT_EQ(client.reply(id).body.size(), 8000);
  client.reset(id);
  talk(client);
  EXPECT_EQ(stage_.alive, 0);
  EXPECT_FALSE(connection_->is_held_up());
  EXPECT_EQ(stats_.streams, 0);
}

TEST_F(H2Test, ADefectIsAnAnswer) {
  TestClient client;
  const auto throws = client.get("/throws");
  const auto later = client.send(TestClient::request("POST", "/later?throw"));
  const auto unknown = client.get("/unknown");
  talk(client);
  later_.cancel();
  talk(client);
  EXPECT_EQ(client.reply(throws).status(), "500");
  EXPECT_EQ(client.reply(later).status(), "500");
  EXPECT_EQ(client.reply(unknown).status(), "404");
}

TEST_F(H2Test, AnswersOthersWhileACoroutineRuns) {
  TestClient client;
  const auto later = client.send(with_json("/later"), "body");
  const auto given_up = client.send(with_json("/later"), "body");
  const auto now = client.get("/hello");
  talk(client);
  EXPECT_EQ(client.reply(now).status(), "200");
  EXPECT_EQ(client.reply(later).status(), "");
  client.reset(given_up);
  talk(client);
  EXPECT_EQ(connection_->running(), 2);
  later_.cancel();
  talk(client);
  EXPECT_EQ(client.reply(later).body, "/later?:body@10.0.0.9 localhost application/json");
  EXPECT_EQ(client.reply(given_up).status(), "");
  EXPECT_EQ(connection_->running(), 0);
}

TEST_F(H2Test, ACoroutineMayOutliveTheConnection) {
  TestClient client;
  (void)client.send(with_json("/later"), "body");
  talk(client);
  connection_ = nullptr;
  later_.cancel();
  io_.restart();
  io_.poll();
}

TEST_F(H2Test, HoldsAnAnswerUntilSomethingHappens) {
  TestClient client;
  const auto id = client.get("/held");
  talk(client);
  EXPECT_EQ(client.reply(id).status(), "");
  stage_.said = {"\"news\""};
  stage_.wake();
  EXPECT_TRUE(rung_);
  talk(client);
  EXPECT_EQ(client.reply(id).body, "\"news\"");
  EXPECT_EQ(stage_.alive, 0);
}

TEST_F(H2Test, AHeldAnswerThatFailsIsADefect) {
  TestClient client;
  const auto id = client.get("/held");
  talk(client);
  stage_.said = {"throw"};
  stage_.wake();
  talk(client);
  EXPECT_EQ(client.reply(id).status(), "500");
}

TEST_F(H2Test, StreamsABody) {
  TestClient client;
  const auto id = client.get("/stream");
  talk(client);
  EXPECT_EQ(client.reply(id).status(), "200");
  EXPECT_FALSE(client.reply(id).ended);
  EXPECT_FALSE(client.reply(id).fields.contains("content-length"));
  for (const auto* each : {"one ", "two "}) {
    stage_.said = {each};
    stage_.wake();
    talk(client);
  }
  EXPECT_EQ(client.reply(id).body, "one two ");
  EXPECT_EQ(stats_.streams, 1);
  stage_.over = true;
  stage_.wake();
  talk(client);
  EXPECT_TRUE(client.reply(id).ended);
  EXPECT_EQ(stage_.alive, 0);
  EXPECT_EQ(stats_.streams, 0);
}

TEST_F(H2Test, ABodyThatFailsTakesItsStreamAlone) {
  TestClient client;
  const auto id = client.get("/stream");
  talk(client);
  stage_.said = {"throw"};
  stage_.wake();
  const auto other = client.get("/hello");
  talk(client);
  EXPECT_EQ(client.reply(id).closed, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(client.reply(other).status(), "200");
}

TEST_F(H2Test, EndsWhatIsInHandWhenItDrains) {
  TestClient client;
  const auto held = client.get("/held");
  talk(client);
  const auto partial = client.send(TestClient::request("POST", "/echo"), "x", false);
  talk(client);
  connection_->drain();
  talk(client);
  EXPECT_EQ(client.goaway, NGHTTP2_NO_ERROR);
  EXPECT_EQ(client.reply(held).body, "\"stopped\"");
  EXPECT_FALSE(connection_->over());
  client.reset(partial);
  talk(client);
  EXPECT_TRUE(connection_->over());
}

TEST_F(H2Test, EndsAStreamWhenItDrains) {
  TestClient client;
  const auto id = client.get("/stream");
  talk(client);
  connection_->drain();
  talk(client);
  EXPECT_EQ(client.reply(id).body, "bye");
  EXPECT_TRUE(connection_->over());
}

TEST_F(H2Test, ARequestThatTakesTooLongIsGivenUp) {
  limits_.request_timeout = std::chrono::milliseconds(0);
  TestClient client;
  const auto id = client.send(TestClient::request("POST", "/echo"), "x", false);
  const auto held = client.get("/held");
  talk(client);
  EXPECT_TRUE(connection_->has_partial_request());
  connection_->time_out_requests();
  talk(client);
  EXPECT_EQ(client.reply(id).status(), "408");
  EXPECT_EQ(client.reply(held).status(), "");
  EXPECT_FALSE(connection_->has_partial_request());
  EXPECT_TRUE(connection_->has_streams());
}

}  // namespace
}  // namespace rollcall::http::h2
