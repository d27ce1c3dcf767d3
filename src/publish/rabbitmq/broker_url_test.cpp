#include "publish/rabbitmq/broker_url.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

TEST(BrokerUrlTest, WhatIsLeftOutIsAsUsual) {
  const auto url = parse_broker_url("amqp://rabbit");
  ASSERT_TRUE(url);
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->host, "rabbit");
  EXPECT_EQ(url->port, 5672);
  EXPECT_EQ(url->user, "guest");
  EXPECT_EQ(url->password, "guest");
  EXPECT_EQ(url->vhost, "/");
  EXPECT_EQ(parse_broker_url("amqp://rabbit/")->vhost, "/");
  EXPECT_EQ(parse_broker_url("amqps://rabbit")->port, 5671);
}

TEST(BrokerUrlTest, AllOfIt) {
  const auto url = parse_broker_url("amqps://some%40one:p%3Ass%2Fword@[::1]:5000/production%2Feast");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 5000);
  EXPECT_EQ(url->user, "some@one");
  EXPECT_EQ(url->password, "p:ss/word");
  EXPECT_EQ(url->vhost, "production/east");
}

TEST(BrokerUrlTest, NothingElseIsTaken) {
  for (const auto* text :
       {"", "rabbit", "http://rabbit", "amqp:rabbit", "amqp://", "amqp:///x", "amqp://h:0", "amqp://h:70000",
        "amqp://h/a/b", "amqp://h/?heartbeat=5", "amqp://h/#x", "amqp://us er@h"}) {
    const auto url = parse_broker_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, ErrorCode::invalid);
  }
}

TEST(BrokerUrlTest, ErrorsShowNoPassword) {
  EXPECT_FALSE(parse_broker_url("amqp://me:secret@h/a/b").error().message.contains("secret"));
}

}  // namespace
}  // namespace rollcall
