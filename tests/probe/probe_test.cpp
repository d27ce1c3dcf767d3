// The provider against real Orthancs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
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
class Probe : public ::testing::Test {
 protected:
  Probe() : web_(free_ports(kPorts)), dicom_(free_ports(kPorts)) {
    auto& range = config_.ranges.at(0);
    range.web_ports = *parse_ports(fmt::format("{}-{}", web_, web_ + kPorts - 1), "web_ports");
    range.dicom_ports = *parse_ports(fmt::format("{}-{}", dicom_, dicom_ + kPorts - 1), "dicom_ports");
    config_.sweep_interval = 500ms;  // the checks keep their default: their promise is tested
  }

  void start(std::vector<InstancePtr> known = {}) {
    provider_ = make_probe_provider(config_, clock_);
    provider_->start(sink_, [known = std::move(known)] { return known; });
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
    EXPECT_THAT(found.cause.evidence, ::testing::StartsWith("answered /system in "));
    EXPECT_EQ(metadata_of(found, "name"), fmt::format("orthanc-{}", i));
    EXPECT_EQ(metadata_of(found, "aet"), fmt::format("ORTHANC{}", i));
    EXPECT_EQ(metadata_of(found, "dicom_port"), std::to_string(dicom(i)));
    EXPECT_EQ(metadata_of(found, "web_port"), std::to_string(web(i)));
    EXPECT_EQ(metadata_of(found, "url"), fmt::format("http://127.0.0.1:{}/app/explorer.html", web(i)));
    EXPECT_THAT(metadata_of(found, "version"), ::testing::MatchesRegex("[0-9]+\\.[0-9]+.*"));
    EXPECT_EQ(metadata_of(found, "locked"), "");
    EXPECT_THAT(found.spec.tags, ::testing::ElementsAre("dicom"));
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

std::string system_claiming(std::uint16_t dicom_port) {
  return fmt::format(R"({{"ApiVersion":16,"DatabaseVersion":6,"DicomAet":"ORTHANC","DicomPort":{},"Name":"container",
                         "Version":"1.12.5"}})",
                     dicom_port);
}

FakeWebServer::Handler orthanc_claiming(std::uint16_t dicom_port) {
  return [dicom_port](const FakeWebServer::Request& request) {
    return request.target() == "/system" ? response(200, system_claiming(dicom_port)) : response(404);
  };
}

/// Listens, and tells whether anybody came.
class Trap {
 public:
  Trap() : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) { acceptor_.non_blocking(true); }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] bool sprung() {
    boost::system::error_code error;
    acceptor_.accept(error);
    return error != boost::asio::error::would_block;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
};

std::size_t requests_for(const FakeWebServer& server, std::string_view target) {
  const auto requests = server.requests();
  return static_cast<std::size_t>(
      std::ranges::count_if(requests, [&](const auto& request) { return request.target() == target; }));
}

TEST_F(Probe, ThreeContainersThatAllClaimTheSameDicomPortAreToldApart) {
  const auto outside = free_ports(3);
  auto behind = [&](unsigned i) {
    auto settings = server(i);
    settings.web_port = static_cast<std::uint16_t>(outside + i);
    return settings;
  };
  OrthancProcess first(behind(0)), second(behind(1)), third(behind(2));
  FakeWebServer first_web(web(0), orthanc_claiming(dicom(0)));
  FakeWebServer second_web(web(1), orthanc_claiming(dicom(0)));
  FakeWebServer third_web(web(2), orthanc_claiming(dicom(0)));
  start();
  ASSERT_TRUE(sink_.wait_for(10s, [](const State& state) { return state.now.size() == 3; }));
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_EQ(metadata_of(sink_.state().now.at(id(i)), "dicom_port"), std::to_string(dicom(i)));
}

TEST_F(Probe, NothingOutsideOfTheConfiguredPortsIsEverContacted) {
  Trap claimed, redirected;
  FakeWebServer outsider(web(0), orthanc_claiming(claimed.port()));
  FakeWebServer redirecting(web(1), [&](const FakeWebServer::Request&) {
    auto made = response(302);
    made.set(boost::beast::http::field::location, fmt::format("http://127.0.0.1:{}/system", redirected.port()));
    return made;
  });
  config_.ranges[0].credentials = ProbeCredentials{"orthanc", "secret"};
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  EXPECT_EQ(metadata_of(sink_.state().now.at(id(0)), "dicom_port"), "");
  // A sweep asks what it doesn't know once: with the third request, two sweeps are over.
  ASSERT_TRUE(sink_.wait_for(10s, [&](const State&) { return requests_for(redirecting, "/system") >= 3; }));
  EXPECT_FALSE(claimed.sprung());
  EXPECT_FALSE(redirected.sprung());
}

TEST_F(Probe, CredentialsGoOnlyToWhatWasRecognisedAndNotWithTheFirstRequest) {
  const auto locked = [](std::string realm) {
    return [realm](const FakeWebServer::Request&) {
      auto made = response(401);
      made.set(boost::beast::http::field::www_authenticate, "Basic realm=\"" + realm + "\"");
      return made;
    };
  };
  FakeWebServer orthanc(web(0), locked("Orthanc Secure Area")), other(web(1), locked("Printer"));
  config_.ranges[0].credentials = ProbeCredentials{"orthanc", "secret"};
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  ASSERT_TRUE(sink_.wait_for(10s, [&](const State&) { return requests_for(other, "/system") >= 2; }));
  const auto has_credentials = [](const auto& request) {
    return request.find(boost::beast::http::field::authorization) != request.end();
  };
  const auto to_orthanc = orthanc.requests();
  EXPECT_FALSE(has_credentials(to_orthanc.at(0)));
  EXPECT_TRUE(has_credentials(to_orthanc.at(1)));
  EXPECT_TRUE(std::ranges::none_of(other.requests(), has_credentials));
}

TEST_F(Probe, AWebServerThatIsNoOrthancIsNotListed) {
  const auto page = [](const FakeWebServer::Request&) {
    auto made = response(200, R"({"Name":"The install worked successfully! Congratulations!"})");
    made.set(boost::beast::http::field::server, "WSGIServer/0.2 CPython/3.11");
    return made;
  };
  FakeWebServer django(web(1), page);
  OrthancProcess orthanc(server(0));
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  ASSERT_TRUE(sink_.wait_for(10s, [&](const State&) { return requests_for(django, "/system") >= 3; }));
  EXPECT_EQ(sink_.state().now.size(), 1U);
}

TEST_F(Probe, OtherServersAreListedUnderTheirOwnKindIfAskedFor) {
  FakeWebServer django(web(1), [](const FakeWebServer::Request&) {
    auto made = response(200, "hello");
    made.set(boost::beast::http::field::server, "WSGIServer/0.2");
    return made;
  });
  config_.report_other = true;
  start();
  const auto name = fmt::format("probe:127.0.0.1:http:{}", web(1));
  ASSERT_TRUE(sink_.wait_for(10s, [&](const State& state) { return state.now.contains(name); }));
  EXPECT_EQ(sink_.state().now.at(name).spec.service.str(), "http");
  EXPECT_EQ(metadata_of(sink_.state().now.at(name), "server"), "WSGIServer/0.2");
}

TEST_F(Probe, ADicomNodeThatStandsAloneIsListedAsOne) {
  auto settings = server(3);
  settings.web_port = free_ports(1);
  OrthancProcess node(settings);
  start();
  const auto name = fmt::format("probe:127.0.0.1:dicom:{}", dicom(3));
  ASSERT_TRUE(sink_.wait_for(10s, [&](const State& state) { return state.now.contains(name); }));
  EXPECT_EQ(sink_.state().now.at(name).spec.service.str(), "dicom");
  node.kill();
  EXPECT_TRUE(
      sink_.wait_for(1500ms, [&](const State& state) { return state.now.at(name).health == Status::critical; }));
}

TEST_F(Probe, WantOfDescriptorsIsNoEvidence) {
  OrthancProcess orthanc(server(0));
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  // UBSan looks at a type that it meets for the first time through a pipe, which needs descriptors as well: let it meet
  // those of the log now.
  log::warning("test", "the descriptors are about to run out");
  const auto warnings = log::lines_written(log::Level::warning);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;  // what is open stays open; nothing more can be opened
  ::setrlimit(RLIMIT_NOFILE, &none);
  // Three checks can't be made; a failure that counted would show in the first.
  const bool taken_as_evidence = wait_for_health(0, Status::critical, 3500ms);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(taken_as_evidence);
  EXPECT_GT(log::lines_written(log::Level::warning), warnings);
  EXPECT_NE(provider_->trouble(), "");
  EXPECT_TRUE(sink_.wait_for(5s, [&](const State&) { return provider_->trouble().empty(); }));
  orthanc.kill();
  EXPECT_TRUE(wait_for_health(0, Status::critical, 1500ms));
}

TEST_F(Probe, WhatWasKnownBeforeARestartIsTakenOver) {
  OrthancProcess orthanc(server(0));
  start();
  ASSERT_TRUE(wait_for_health(0, Status::passing));
  provider_->stop();
  const auto as_left = [&](unsigned i, const Sighting& sighting) {
    Instance known;
    known.id = InstanceId(id(i));
    known.spec = sighting.spec;
    known.spec.port = web(i);
    known.source = Source::probe;
    known.registered_at = known.status_since = clock_.wall_now() - 1h;
    return std::make_shared<const Instance>(std::move(known));
  };
  const auto before = sink_.state().now.at(id(0));
  start({as_left(0, before), as_left(1, before)});  // the second was killed while nobody looked
  ASSERT_TRUE(wait_for_health(1, Status::critical, 1500ms));
  ASSERT_TRUE(sink_.wait_for(5s, [&](const State& state) {
    const auto sample = state.samples.find(id(0));
    return sample != state.samples.end() && sample->second.first_seen < clock_.wall_now() - 59min;
  }));
  EXPECT_EQ(sink_.state().now.at(id(0)).spec, before.spec);
}

TEST_F(Probe, WhatIsNoLongerConfiguredIsGone) {
  Instance known;
  known.id = InstanceId("probe:127.0.0.1:1");
  known.spec.service = ServiceName("orthanc");
  known.spec.address = "127.0.0.1";
  known.spec.port = 1;
  known.source = Source::probe;
  start({std::make_shared<const Instance>(known)});
  ASSERT_TRUE(sink_.wait_for(5s, [](const State& state) { return state.gone.contains("probe:127.0.0.1:1"); }));
  EXPECT_EQ(sink_.state().gone.at("probe:127.0.0.1:1").evidence, "no longer among the configured hosts and ports");
}

TEST_F(Probe, ItStopsWithinASecondEvenInTheMiddleOfAnEcho) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor silent(io, {boost::asio::ip::address_v4::loopback(), 0});
  config_.ranges[0].dicom_ports = {silent.local_endpoint().port()};
  config_.echo_timeout = 60s;
  start();
  const auto looked = silent.accept();  // the look whether anybody listens
  const auto echoed = silent.accept();  // the C-ECHO, which waits for an answer now
  const auto begin = clock_.now();
  provider_->stop();
  EXPECT_LT(clock_.now() - begin, 1s);
}

}  // namespace
}  // namespace rollcall::probe_test
