#include "publish/rabbitmq/confirms.hpp"

#include <gtest/gtest.h>

namespace rollcall {
namespace {

Confirms batch_of(std::size_t size) {
  Confirms confirms;
  confirms.begin(size);
  for (std::size_t i = 0; i < size; ++i) confirms.sent();
  return confirms;
}

TEST(ConfirmsTest, TheFirstOnesCountInWhateverOrderTheyCome) {
  auto confirms = batch_of(4);
  confirms.ack(2, false);
  EXPECT_EQ(confirms.confirmed(), 0U);
  confirms.ack(1, false);
  EXPECT_EQ(confirms.confirmed(), 2U);
  confirms.ack(4, true);
  EXPECT_TRUE(confirms.complete());
  EXPECT_FALSE(confirms.refused());
}

TEST(ConfirmsTest, WhatIsRefusedHoldsUpWhatFollows) {
  auto confirms = batch_of(3);
  confirms.ack(1, false);
  confirms.nack(2, false);
  confirms.ack(3, false);
  EXPECT_EQ(confirms.confirmed(), 1U);
  EXPECT_TRUE(confirms.refused());
  EXPECT_FALSE(confirms.complete());
}

TEST(ConfirmsTest, TagsGoOnWithTheNextBatch) {
  auto confirms = batch_of(2);
  confirms.ack(2, true);
  confirms.begin(2);
  EXPECT_EQ(confirms.unsent(), 2U);
  confirms.sent();
  confirms.ack(2, false);
  EXPECT_EQ(confirms.confirmed(), 0U) << "of the batch before";
  confirms.ack(4, false);
  EXPECT_EQ(confirms.confirmed(), 0U) << "it isn't sent";
  confirms.ack(3, false);
  EXPECT_EQ(confirms.confirmed(), 1U);
}

TEST(ConfirmsTest, AnEmptyBatchIsComplete) { EXPECT_TRUE(batch_of(0).complete()); }

}  // namespace
}  // namespace rollcall
