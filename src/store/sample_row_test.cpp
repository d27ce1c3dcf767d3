#include "store/sample_row.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rollcall {
namespace {

using namespace std::chrono_literals;

const WallTime kTold{1'000'000ms};

InstanceSample seen(std::string_view id, std::chrono::seconds first, std::chrono::seconds last) {
  InstanceSample one;
  one.id = InstanceId(id);
  one.sample.first_seen = kTold - first;
  one.sample.last_seen = kTold - last;
  return one;
}

SampleNews full_news() {
  SampleNews news{.samples = {seen("swarm:a", 90s, 1s), seen("orthanc:b", 9s, 0s)},
                  .wanted = {ServiceName("web"), ServiceName("pacs")}};
  auto& usage = news.samples[0].sample.usage.emplace();
  usage.cpu_percent = 12.345;
  usage.memory_bytes = 1ULL << 40;
  usage.memory_working_bytes = 7;
  usage.block_write_bytes = 0;
  news.samples[1].sample.response_time_ms = 0.25;
  auto& orthanc = news.samples[1].sample.orthanc.emplace();
  orthanc.studies = 3;
  orthanc.cpu_percent = 99.5;
  orthanc.restarts = 1;
  return news;
}

TEST(SampleRow, ComesBackInTheReadersTime) {
  const WallTime read_at{5'000ms};  // a clock that is far behind
  const auto news = read_sample_row(to_row(full_news(), kTold), read_at);
  ASSERT_TRUE(news) << news.error();
  ASSERT_EQ(news->samples.size(), 2U);
  EXPECT_EQ(news->wanted, full_news().wanted);
  const auto& [id, sample] = news->samples[0];
  EXPECT_EQ(id, InstanceId("swarm:a"));
  EXPECT_EQ(sample.first_seen, read_at - 90s);
  EXPECT_EQ(sample.last_seen, read_at - 1s);
  EXPECT_FALSE(sample.orthanc);
  EXPECT_EQ(sample.usage->cpu_percent, 12.345);
  EXPECT_EQ(sample.usage->memory_bytes, 1ULL << 40);
  EXPECT_EQ(sample.usage->memory_working_bytes, 7U);
  EXPECT_FALSE(sample.usage->network_rx_bytes);
  EXPECT_EQ(sample.usage->block_write_bytes, 0U);
  const auto& orthanc = news->samples[1].sample;
  EXPECT_EQ(orthanc.response_time_ms, 0.25);
  EXPECT_EQ(orthanc.orthanc->studies, 3U);
  EXPECT_EQ(orthanc.orthanc->cpu_percent, 99.5);
  EXPECT_EQ(orthanc.orthanc->restarts, 1U);
  EXPECT_FALSE(orthanc.orthanc->patients);
}

TEST(SampleRow, CutAnywhereItIsRefused) {
  const auto row = to_row(full_news(), kTold);
  for (std::size_t length = 0; length < row.size(); ++length) {
    EXPECT_FALSE(read_sample_row(std::string_view(row).substr(0, length), kTold)) << length;
  }
  EXPECT_FALSE(read_sample_row(row + '\0', kTold));
  EXPECT_FALSE(read_sample_row('\2' + row.substr(1), kTold));
}

}  // namespace
}  // namespace rollcall
