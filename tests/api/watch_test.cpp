// Reading one log as it grows: held look-ups and streams of events.
#include <gmock/gmock.h>

#include "api_harness.hpp"

namespace rollcall::api {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kOne = R"({"address":"10.0.0.1","port":80,"tags":["blue"]})";
constexpr std::string_view kOneGreen = R"({"address":"10.0.0.1","port":80,"tags":["green"]})";

Limits small_backlog() {
  Limits limits;
  limits.watch.backlog = 4;
  return limits;
}

class WatchTest : public ::testing::Test {
 protected:
  void put(std::string_view id, std::string_view body = kOne, std::string_view service = "web") {
    const auto reply = api.put("/services/" + std::string(service) + "/instances/" + std::string(id), body);
    ASSERT_LT(reply.status, 300U) << reply.body;
  }
  void remove(std::string_view id) {
    ASSERT_LT(api.ask(http::Method::delete_, "/instances/" + std::string(id)).status, 300U);
  }
  std::uint64_t revision() { return api.catalog().revision().value; }

  ApiHarness api{small_backlog()};
};

/// A look-up that is held; or was answered at once.
class Held {
 public:
  explicit Held(http::Answer answer) {
    if (auto* ready = std::get_if<http::Response>(&answer)) {
      response = std::move(*ready);
    } else {
      held_ = std::get<std::unique_ptr<http::HeldAnswer>>(std::move(answer));
      held_->start([this] { ++woken; });
      poll();
    }
  }
  void poll(http::Hurry hurry = http::Hurry::no) {
    if (!response) response = held_->poll(hurry);
  }
  std::optional<http::Response> response;
  int woken = 0;

 private:
  std::unique_ptr<http::HeldAnswer> held_;
};

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& each : response.headers) {
    if (each.name == name) return each.value;
  }
  return {};
}

TEST_F(WatchTest, AHeldLookUpIsAnsweredWhenItsServiceChangesAndNotForOthers) {
  put("a");
  const auto index = std::to_string(revision());
  Held held(api.ask_raw("/services/web?index=" + index));
  ASSERT_FALSE(held.response);
  put("x", kOne, "other");
  EXPECT_EQ(held.woken, 0);
  put("b");
  EXPECT_EQ(held.woken, 1);
  held.poll();
  ASSERT_TRUE(held.response);
  EXPECT_EQ(held.response->status, 200U);
  EXPECT_THAT(held.response->body.str(), HasSubstr("\"id\":\"b\""));
  EXPECT_EQ(header(*held.response, "X-Rollcall-Index"), std::to_string(revision()));
}

TEST_F(WatchTest, AHeldLookUpEndsAtItsTimeOrWhenTheDaemonStops) {
  put("a");
  const auto target = "/services/web?wait=2s&index=" + std::to_string(revision());
  Held held(api.ask_raw(target));
  api.advance(1900ms);
  EXPECT_EQ(held.woken, 0);
  api.advance(200ms);
  EXPECT_EQ(held.woken, 1);
  held.poll();
  EXPECT_TRUE(held.response);
  Held stopping(api.ask_raw(target));
  ASSERT_FALSE(stopping.response);
  stopping.poll(http::Hurry::stopping);
  EXPECT_TRUE(stopping.response);
}

TEST_F(WatchTest, AnAbsentServiceIsWaitedForAndItsIndexIsNotBelowItsRemoval) {
  put("a");
  remove("a");
  const auto removal = revision();
  Held first(api.ask_raw("/services/web?index=0"));
  ASSERT_TRUE(first.response);
  EXPECT_EQ(first.response->status, 404U);
  const auto index = header(*first.response, "X-Rollcall-Index");
  EXPECT_GE(std::stoull(index), removal);
  Held held(api.ask_raw("/services/web?index=" + index));
  ASSERT_FALSE(held.response);
  put("a");
  held.poll();
  ASSERT_TRUE(held.response);
  EXPECT_EQ(held.response->status, 200U);
}

TEST_F(WatchTest, AnIndexOfAnotherLogOrAnOldOneIsAnsweredAtOnce) {
  put("a");
  const auto now = std::to_string(revision());
  EXPECT_TRUE(Held(api.ask_raw("/services/web?index=" + std::to_string(revision() + 50))).response);
  EXPECT_TRUE(Held(api.ask_raw("/services/web?generation=12345&index=" + now)).response);
  put("b");
  EXPECT_TRUE(Held(api.ask_raw("/services/web?index=" + now)).response);
}

TEST_F(WatchTest, RefusesWhatItCannotRead) {
  for (const auto* target :
       {"/services/web?index=x", "/services/web?index=1&wait=later", "/services/web?inde=1", "/watch?since=-1",
        "/watch?tag=", "/watch?source=moon", "/watch?what=1", "/watch?service="}) {
    EXPECT_EQ(api.get(target).status, 400U) << target;
  }
  EXPECT_EQ(std::get<http::Response>(api.ask_raw("/watch", "abc")).status, 400U);
}

/// The events of a stream, pulled by hand.
class Stream {
 public:
  explicit Stream(http::Answer answer) : response(std::get<http::Response>(std::move(answer))) {
    if (response.stream) response.stream->start([this] { ++woken; });
  }
  std::string pull(std::size_t room = 100'000, http::Hurry hurry = http::Hurry::no) {
    std::string out;
    state = response.stream->pull(out, room, hurry);
    return out;
  }
  http::Response response;
  http::BodyStream::State state = http::BodyStream::State::dry;
  int woken = 0;
};

std::vector<std::string> names(std::string_view text) {
  std::vector<std::string> found;
  for (auto at = text.find("event: "); at != std::string_view::npos; at = text.find("event: ", at)) {
    at += 7;
    found.emplace_back(text.substr(at, text.find('\n', at) - at));
  }
  return found;
}

using Names = std::vector<std::string>;

TEST_F(WatchTest, AStreamTellsWhereItBeginsAndThenEveryEvent) {
  put("a");
  Stream stream(api.ask_raw("/watch"));
  EXPECT_EQ(stream.response.content_type, "text/event-stream");
  EXPECT_EQ(names(stream.pull()), Names{"ready"});
  EXPECT_EQ(stream.state, http::BodyStream::State::dry);
  put("b");
  put("b", kOneGreen);
  EXPECT_EQ(stream.woken, 1) << "once until it has been read";
  const auto told = stream.pull();
  EXPECT_EQ(names(told), (Names{"registered", "updated"}));
  const auto id = "id: " + std::to_string(api.catalog().generation().value) + "-" + std::to_string(revision());
  EXPECT_THAT(told, HasSubstr(id + "\nevent: updated\ndata: {\"revision\":"));
  EXPECT_THAT(told, EndsWith("}\n\n"));
}

TEST_F(WatchTest, LeavingTheFilterIsGoneAndComingInIsSeen) {
  put("a", kOneGreen);
  Stream stream(api.ask_raw("/watch?service=web&tag=blue"));
  stream.pull();
  put("a");
  EXPECT_EQ(names(stream.pull()), Names{"updated"});
  put("a", kOneGreen);
  EXPECT_EQ(names(stream.pull()), Names{"gone"});
  remove("a");
  EXPECT_EQ(names(stream.pull()), Names{}) << "it was gone already";
  put("b");
  remove("b");
  put("c", kOne, "other");
  EXPECT_EQ(names(stream.pull()), (Names{"registered", "removed"}));
}

TEST_F(WatchTest, GoesOnFromWhereItWasLeft) {
  put("a");
  const auto since = std::to_string(revision());
  const auto id = std::to_string(api.catalog().generation().value) + "-" + since;
  put("b");
  Stream by_revision(api.ask_raw("/watch?since=" + since));
  EXPECT_EQ(names(by_revision.pull()), (Names{"ready", "registered"}));
  Stream by_id(api.ask_raw("/watch?since=0", id));
  EXPECT_EQ(names(by_id.pull()), (Names{"ready", "registered"}))
      << "a browser's id goes before the address it began with";
}

TEST_F(WatchTest, AnotherGenerationOrARevisionToComeIs410) {
  put("a");
  for (const auto& id : {"1234-1", "1234-0"}) {
    EXPECT_EQ(std::get<http::Response>(api.ask_raw("/watch", id)).status, 410U);
  }
  EXPECT_EQ(api.get("/watch?since=1000000").status, 410U);
  EXPECT_EQ(api.get("/watch?generation=77").status, 410U);
}

TEST_F(WatchTest, ASlowReaderGetsTheNewestOfEachInstanceAndIsTold) {
  Stream stream(api.ask_raw("/watch"));
  stream.pull();
  for (int i = 0; i < 5; ++i) {
    put("a", i % 2 == 0 ? kOne : kOneGreen);
    put("b", i % 2 == 0 ? kOne : kOneGreen);
  }
  const auto told = stream.pull();
  EXPECT_EQ(names(told), (Names{"coalesced", "updated", "updated"}));
  EXPECT_THAT(told, HasSubstr("event: coalesced\ndata: {\"events\":10,\"instances\":2}\n\n"));
  put("c");
  EXPECT_EQ(names(stream.pull()), Names{"registered"});
}

TEST_F(WatchTest, WhatCameAndWentWhileAReaderSleptIsNotTold) {
  Stream stream(api.ask_raw("/watch"));
  stream.pull();
  put("b");
  for (int i = 0; i < 3; ++i) {
    put("a");
    remove("a");
  }
  EXPECT_EQ(names(stream.pull()), (Names{"coalesced", "registered"}));
}

TEST_F(WatchTest, TakesNoMoreThanThereIsRoomFor) {
  Stream stream(api.ask_raw("/watch"));
  stream.pull();
  put("a");
  put("b");
  EXPECT_EQ(names(stream.pull(1)), Names{"registered"});
  EXPECT_EQ(stream.state, http::BodyStream::State::more);
  EXPECT_EQ(names(stream.pull(1)), Names{"registered"});
  EXPECT_EQ(names(stream.pull(1)), Names{});
  EXPECT_EQ(stream.state, http::BodyStream::State::dry);
}

TEST_F(WatchTest, SaysThatItIsThereWhenNothingHappens) {
  Stream stream(api.ask_raw("/watch"));
  stream.pull();
  api.advance(15'000ms);
  EXPECT_EQ(stream.woken, 1);
  const auto told = stream.pull();
  EXPECT_THAT(told, StartsWith("id: "));
  EXPECT_THAT(told, EndsWith("\n:\n\n"));
  api.advance(10'000ms);
  put("a");
  EXPECT_EQ(names(stream.pull()), Names{"registered"});
  const auto woken = stream.woken;
  api.advance(5'000ms);
  EXPECT_EQ(stream.pull(), "") << "it has just said something";
  api.advance(10'000ms);
  EXPECT_EQ(stream.woken, woken + 2);
  EXPECT_THAT(stream.pull(), EndsWith("\n:\n\n"));
}

TEST_F(WatchTest, EndsWithAReasonWhenTheDaemonStops) {
  Stream stream(api.ask_raw("/watch"));
  stream.pull();
  put("a");
  EXPECT_EQ(names(stream.pull(100'000, http::Hurry::stopping)), (Names{"registered", "end"}));
  EXPECT_EQ(stream.state, http::BodyStream::State::ended);
}

TEST_F(WatchTest, TellsNobodyWhoHasLeft) {
  int woken = 0;
  {
    Stream stream(api.ask_raw("/watch"));
    stream.pull();
    Held held(api.ask_raw("/services/web?wait=1s&index=" + std::to_string(revision())));
    woken = stream.woken;
  }
  put("a");
  api.advance(20'000ms);
  EXPECT_EQ(woken, 0);
}

}  // namespace
}  // namespace rollcall::api
