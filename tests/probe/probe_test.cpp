// The provider against real Orthancs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/clock.hpp"
#include "discovery/probe/probe_provider.hpp"
#include "fake_web_server.hpp"
#include "orthanc_process.hpp"
#include "recording_sink.hpp"

namespace rollcall::probe_test {
namespace {

using namespace std::chrono_literals;
using State = RecordingSink::State;

constexpr unsigned kPorts = 6;  // of each kind

/// A range of free ports, and a provider that looks at it.
class Probe : public testing::Test {
 protected:
  Probe() : web_(free_ports(kPorts)), dicom_(free_ports(kPorts)) {
    auto& range = config_.ranges.at(0);
    range.web_ports = *parse_ports(fmt::format("{}-{}", web_, web_ + kPorts - 1), "web_ports");
    range.dicom_ports = *parse_ports(fmt::format("{}-{}", dicom_, dicom_ + kPorts - 1), "dicom_ports");
    config_.sweep_interval = 500ms;  // the checks keep their default: their promise is tested
  }

  void start(std::vector<InstancePtr> known = {}) {
    provider_ = make_probe_provider(config_, clock_);
    provider_->start(sink_, std::move(known));
  }

  [[nodiscard]] std::uint16_t web(unsigned i) const { return static_cast<std::uint16_t>(web_ + i); }
  [[nodiscard]] std::uint16_t dicom(unsigned i) const { return static_cast<std::uint16_t>(dicom_ + i); }
  [[nodiscard]] OrthancSettings server(unsigned i) const {
    return {web(i), dicom(i), fmt::format("orthanc-{}", i), fmt::format("ORTHANC{}", i), ""};
  }
  [[nodiscard]] std::string id(unsigned i) const { return fmt::format("probe:127.0.0.1:{}", web(i)); }

  bool wait_for_health(unsigned i, Status health, std::chrono::milliseconds bound = 10s) {
    return sink_.wait_for(bound, [&](const State& state) {
      const auto found = state.now.find(id(i));
      return found != state.now.end() && found->second.health == health;
    });
  }

  const SystemClock clock_;
  RecordingSink sink_;
  std::uint16_t web_, dicom_;
  ProbeConfig config_;
  std::unique_ptr<Provider> provider_;
};

TEST_F(Probe, ThreeServersAreFoundWithNameAetVersionAndPorts) {
  OrthancProcess first(server(0)), second(server(1)), third(server(2));
  start();
  ASSERT_TRUE(sink_.wait_for(10s, [](const State& state) { return state.now.size() == 3; }));
  for (unsigned i = 0; i < 3; ++i) {
    const auto found = sink_.state().now.at(id(i));
    EXPECT_EQ(found.spec.service.str(), "orthanc");
    EXPECT_EQ(found.spec.address, "127.0.0.1");
    EXPECT_EQ(found.spec.port, web(i));
    EXPECT_EQ(found.health, Status::passing);
    EXPECT_EQ(found.cause.writer, "probe");
    EXPECT_THAT(found.cause.evidence, testing::StartsWith("answered /system in "));
    EXPECT_EQ(metadata_of(found, "name"), fmt::format("orthanc-{}", i));
    EXPECT_EQ(metadata_of(found, "aet"), fmt::format("ORTHANC{}", i));
    EXPECT_EQ(metadata_of(found, "dicom_port"), std::to_string(dicom(i)));
    EXPECT_EQ(metadata_of(found, "web_port"), std::to_string(web(i)));
    EXPECT_EQ(metadata_of(found, "url"), fmt::format("http://127.0.0.1:{}/app/explorer.html", web(i)));
    EXPECT_THAT(metadata_of(found, "version"), testing::MatchesRegex("[0-9]+\\.[0-9]+.*"));
    EXPECT_EQ(metadata_of(found, "locked"), "");
    EXPECT_THAT(found.spec.tags, testing::ElementsAre("dicom"));
  }
}

TEST_F(Probe, WhatAServerHoldsAndUsesIsSampled) {
  OrthancProcess orthanc(server(0));
  orthanc.upload_image();
  start();
  ASSERT_TRUE(sink_.wait_for(10s, [&](const State& state) {
    const auto found = state.samples.find(id(0));
    return found != state.samples.end() && found->second.orthanc && found->second.orthanc->cpu_percent;
  }));
  const Sample sample = sink_.state().samples.at(id(0));
  EXPECT_EQ(sample.orthanc->patients, 1U);
  EXPECT_EQ(sample.orthanc->studies, 1U);
  EXPECT_EQ(sample.orthanc->series, 1U);
  EXPECT_EQ(sample.orthanc->instances, 1U);
  EXPECT_GT(sample.orthanc->disk_bytes.value_or(0), 100U);
  EXPECT_EQ(sample.orthanc->jobs_running, 0U);
  EXPECT_GT(sample.orthanc->memory_bytes.value_or(0), 1'000'000U);
  EXPECT_EQ(sample.orthanc->restarts, 0U);
  EXPECT_GT(sample.response_time_ms.value_or(0), 0);
  EXPECT_LE(sample.first_seen, sample.last_seen);
}

TEST_F(Probe, AKilledServerShowsWithinOneAndAHalfSecondsAndARestartedOneComesBack) {
  OrthancProcess orthanc(server(0));
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));

  orthanc.kill();
  ASSERT_TRUE(wait_for_health(0, Status::critical, 1500ms));
  EXPECT_EQ(sink_.state().now.at(id(0)).cause.evidence, fmt::format("connect to 127.0.0.1:{} refused", web(0)));
  EXPECT_EQ(metadata_of(sink_.state().now.at(id(0)), "dicom_port"), std::to_string(dicom(0)));

  orthanc.restart();
  ASSERT_TRUE(wait_for_health(0, Status::passing, 1500ms));
  ASSERT_TRUE(sink_.wait_for(5s, [&](const State& state) { return state.samples.at(id(0)).orthanc->restarts == 1U; }));
}

TEST_F(Probe, AFrozenServerIsOfflineAfterThreeTimeOutsAndDelaysNoOther) {
  OrthancProcess frozen(server(0)), other(server(1));
  config_.answer_timeout = 300ms;
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing) && wait_for_health(1, Status::passing));

  frozen.freeze();
  ASSERT_TRUE(wait_for_health(0, Status::critical, 6s));
  EXPECT_EQ(sink_.state().now.at(id(0)).cause.evidence,
            fmt::format("no answer from 127.0.0.1:{} in time, 3 checks in a row", web(0)));
  other.kill();
  EXPECT_TRUE(wait_for_health(1, Status::critical, 1500ms));
}

TEST_F(Probe, AServerThatStaysAwayIsRemoved) {
  OrthancProcess orthanc(server(0));
  config_.remove_after = 2s;
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  orthanc.kill();
  ASSERT_TRUE(sink_.wait_for(5s, [&](const State& state) { return state.gone.contains(id(0)); }));
  EXPECT_TRUE(sink_.state().now.empty());
  orthanc.restart();
  EXPECT_TRUE(wait_for_health(0, Status::passing, 5s));
}

TEST_F(Probe, ALockedServerIsRecognisedWithoutAPassword) {
  auto settings = server(0);
  settings.password = "secret";
  OrthancProcess orthanc(settings);
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  const auto found = sink_.state().now.at(id(0));
  EXPECT_EQ(metadata_of(found, "locked"), "true");
  EXPECT_EQ(metadata_of(found, "aet"), "");
  EXPECT_EQ(metadata_of(found, "dicom_port"), std::to_string(dicom(0)));
}

TEST_F(Probe, ALockedServerIsReadWithThePasswordOfItsRange) {
  auto settings = server(0);
  settings.password = "secret";
  OrthancProcess orthanc(settings);
  config_.ranges[0].credentials = ProbeCredentials{"orthanc", "secret"};
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  const auto found = sink_.state().now.at(id(0));
  EXPECT_EQ(metadata_of(found, "locked"), "true");
  EXPECT_EQ(metadata_of(found, "aet"), "ORTHANC0");
  EXPECT_EQ(metadata_of(found, "name"), "orthanc-0");
  EXPECT_TRUE(sink_.wait_for(5s, [&](const State& state) {
    const auto sample = state.samples.find(id(0));
    return sample != state.samples.end() && sample->second.orthanc && sample->second.orthanc->instances == 0U;
  }));
}

}  // namespace
}  // namespace rollcall::probe_test
