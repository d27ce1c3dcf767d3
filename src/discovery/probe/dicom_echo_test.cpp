// Against sockets that aren't DICOM; tests/probe/ has real Orthancs.
#include "discovery/probe/dicom_echo.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <future>
#include <thread>

namespace rollcall::probe {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
const auto kLoopback = boost::asio::ip::address_v4::loopback();

TEST(DicomEcho, NobodyListeningIsUnreachable) {
  boost::asio::io_context io;
  tcp::acceptor closed(io, {kLoopback, 0});
  const auto port = closed.local_endpoint().port();
  closed.close();
  EXPECT_EQ(DicomEcho::make()->echo(kLoopback, port, 1s), EchoResult::unreachable);
}

TEST(DicomEcho, WhatSaysNothingIsNotDicom) {
  boost::asio::io_context io;
  const tcp::acceptor silent(io, {kLoopback, 0});
  EXPECT_EQ(DicomEcho::make()->echo(kLoopback, silent.local_endpoint().port(), 1s), EchoResult::not_dicom);
}

TEST(DicomEcho, AnEchoUnderWayEndsWhenCancelled) {
  boost::asio::io_context io;
  tcp::acceptor silent(io, {kLoopback, 0});
  const auto port = silent.local_endpoint().port();
  const auto echo = DicomEcho::make();
  auto result = std::async(std::launch::async, [&] { return echo->echo(kLoopback, port, 60s); });
  tcp::socket accepted = silent.accept();  // the echo is under way
  char first = 0;
  boost::asio::read(accepted, boost::asio::buffer(&first, 1));  // its request is sent, and DCMTK waits
  echo->cancel();
  ASSERT_EQ(result.wait_for(2s), std::future_status::ready);
  EXPECT_EQ(result.get(), EchoResult::not_dicom);
  EXPECT_EQ(echo->echo(kLoopback, port, 60s), EchoResult::unreachable);
}

}  // namespace
}  // namespace rollcall::probe
