#include "discovery/probe/dicom_ports.hpp"

#include <gtest/gtest.h>

namespace rollcall::probe {
namespace {

using namespace std::chrono_literals;

const MonoTime kStart = MonoTime{} + 1h;
DicomPorts some_ports() { return {3, 30s}; }

TEST(DicomPorts, APortThatAppearsIsEchoedOnceAndThenRarely) {
  auto ports = some_ports();
  EXPECT_TRUE(ports.connected(4242, Outcome::answered, kStart));
  EXPECT_EQ(ports.answering(), PortList{});
  ports.echoed(4242, EchoResult::answered, kStart);
  EXPECT_EQ(ports.answering(), PortList{4242});
  EXPECT_FALSE(ports.connected(4242, Outcome::answered, kStart + 3s));
  EXPECT_TRUE(ports.connected(4242, Outcome::answered, kStart + 30s));
}

TEST(DicomPorts, ARejectionIsSpokenInDicomToo) {
  auto ports = some_ports();
  ports.echoed(4242, EchoResult::rejected, kStart);
  EXPECT_TRUE(ports.answers(4242));
}

TEST(DicomPorts, WhatListensButIsNotDicomIsLeftAloneForAWhile) {
  auto ports = some_ports();
  EXPECT_TRUE(ports.connected(4242, Outcome::answered, kStart));
  ports.echoed(4242, EchoResult::not_dicom, kStart);
  EXPECT_FALSE(ports.answers(4242));
  EXPECT_FALSE(ports.connected(4242, Outcome::answered, kStart + 3s));
}

TEST(DicomPorts, APortThatReturnsIsEchoedAgain) {
  auto ports = some_ports();
  ASSERT_TRUE(ports.connected(4242, Outcome::answered, kStart));
  ports.echoed(4242, EchoResult::answered, kStart);
  EXPECT_FALSE(ports.connected(4242, Outcome::refused, kStart + 3s));
  EXPECT_TRUE(ports.answers(4242));
  EXPECT_TRUE(ports.connected(4242, Outcome::answered, kStart + 6s));
}

TEST(DicomPorts, APortThatStaysClosedIsForgotten) {
  auto ports = some_ports();
  ports.echoed(4242, EchoResult::answered, kStart);
  for (int i = 1; i <= 3; ++i) EXPECT_FALSE(ports.connected(4242, Outcome::refused, kStart + i * 3s));
  EXPECT_FALSE(ports.answers(4242));
}

TEST(DicomPorts, SilenceCountsAfterThreeTimesAndOurOwnWantNever) {
  auto ports = some_ports();
  ports.echoed(4242, EchoResult::answered, kStart);
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(ports.connected(4242, Outcome::no_evidence, kStart));
  EXPECT_FALSE(ports.connected(4242, Outcome::silent, kStart));
  EXPECT_FALSE(ports.connected(4242, Outcome::silent, kStart));
  EXPECT_TRUE(ports.answers(4242));
  EXPECT_FALSE(ports.connected(4242, Outcome::silent, kStart));
  EXPECT_FALSE(ports.answers(4242));
}

}  // namespace
}  // namespace rollcall::probe
