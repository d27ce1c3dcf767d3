#include "socket/complaints.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"

namespace rollcall::socket {
namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override { return now_; }
  [[nodiscard]] WallTime wall_now() const noexcept override { return {}; }
  void advance(Duration by) { now_ += by; }

 private:
  MonoTime now_{std::chrono::hours(1)};
};

std::size_t lines_of(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

TEST(Complaints, AreSoManyASecond) {
  HandClock clock;
  Complaints complaints(clock, 3);
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 10; ++i) complaints.add("10.0.0.9", {ErrorCode::invalid, "is no port", "port"});
  const auto first = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(lines_of(first), 3U);
  EXPECT_NE(first.find("a command of 10.0.0.9 was refused: port is no port"), std::string::npos);

  clock.advance(std::chrono::seconds(1));
  ::testing::internal::CaptureStderr();
  complaints.add("10.0.0.9", {ErrorCode::invalid, "is no port", "port"});
  const auto later = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(lines_of(later), 2U);
  EXPECT_NE(later.find("7 more commands were refused"), std::string::npos);
}

}  // namespace
}  // namespace rollcall::socket
