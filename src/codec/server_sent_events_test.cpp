#include "codec/server_sent_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace rollcall::codec {
namespace {

using namespace std::string_literals;

constexpr std::size_t kMost = 1024;

/// What came of a stream, in a form that tests can compare: "name|data|id" an event.
std::vector<std::string> told(std::string_view stream, std::size_t slice) {
  EventReader reader(kMost);
  std::vector<std::string> events;
  for (std::size_t begin = 0; begin < stream.size(); begin += slice) {
    EXPECT_TRUE(reader.feed(stream.substr(begin, slice)));
    while (const auto event = reader.next()) events.push_back(event->name + '|' + event->data + '|' + reader.last_id());
  }
  return events;
}

struct Story {
  std::string stream;
  std::vector<std::string> events;
};

const Story kStories[] = {
    {"id: 7-1\nevent: ready\ndata: {}\n\nid: 7-2\nevent: registered\ndata: {\"a\":1}\n\n",
     {"ready|{}|7-1", "registered|{\"a\":1}|7-2"}},
    {"event: one\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", {"one|1|", "|2|"}},
    {"data: 1\rdata: 2\r\rdata: 3\r\r", {"|1\n2|", "|3|"}},
    {"data: 1\r\n\rdata: 2\n\r\n", {"|1|", "|2|"}},
    {"data: first\ndata:\ndata: third\n\n", {"|first\n\nthird|"}},
    {": a comment\n:\ndata:close\ndata:  blank\n\n", {"|close\n blank|"}},
    {"\xEF\xBB\xBF"
     "data: marked\n\n",
     {"|marked|"}},
    {"data\n\n", {"||"}},
    {"event: without data\n\nid: 9\nunknown: x\nDATA: x\n\ndata: 1\n\n", {"|1|9"}},
    {"id: kept\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n", {"|1|kept", "|2|kept", "|3|"}},
    {"id: a\ndata: 1\n\nid: b\0c\ndata: 2\n\n"s, {"|1|a", "|2|a"}},
    {"data: never ended\n", {}},
};

TEST(EventReader, ReadsStreamsInSlicesOfAnySize) {
  for (const auto& [stream, events] : kStories) {
    for (std::size_t slice = 1; slice <= stream.size(); ++slice) {
      EXPECT_EQ(told(stream, slice), events) << stream << " in slices of " << slice;
    }
  }
}

TEST(EventReader, AnIdMovesOnWithoutAnEvent) {
  EventReader reader(kMost);
  ASSERT_TRUE(reader.feed("id: 7-5\n:\n"));
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.last_id(), "");
  ASSERT_TRUE(reader.feed("\n"));
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.last_id(), "7-5");
}

TEST(EventReader, TheTimeToRetryIsANumber) {
  EventReader reader(kMost);
  ASSERT_TRUE(reader.feed("retry: 250\nretry: -1\nretry: soon\nretry:\n"));
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.retry(), std::chrono::milliseconds(250));
}

TEST(EventReader, WhatIsTooLongIsRefused) {
  for (const std::string_view line : {"data: endless", "data: line\n"}) {
    EventReader reader(kMost);
    std::size_t fed = 0;
    while (fed <= 4 * kMost && reader.feed(line)) {
      EXPECT_EQ(reader.next(), std::nullopt);
      fed += line.size();
    }
    EXPECT_GT(fed, kMost / 4);
    EXPECT_LE(fed, 4 * kMost);
  }
}

TEST(EventReader, ManyEventsThatTogetherAreLongAreRead) {
  EventReader reader(kMost);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(reader.feed("data: some\n\n"));
    ASSERT_TRUE(reader.next());
  }
}

}  // namespace
}  // namespace rollcall::codec
