#include "discovery/probe/host_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace rollcall::probe {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class RecordingSink final : public ProviderSink {
 public:
  void seen(Sighting sighting) override {
    const std::string id = sighting.id.str();
    reports.push_back(id);
    now.insert_or_assign(id, std::move(sighting));
  }
  void gone(InstanceId id, Cause cause) override {
    now.erase(id.str());
    lost.insert_or_assign(id.str(), cause.evidence);
  }
  void sampled(const InstanceId& id, const Sample& sample) override { samples.insert_or_assign(id.str(), sample); }

  std::vector<std::string> reports;
  std::map<std::string, Sighting> now;
  std::map<std::string, std::string> lost;
  std::map<std::string, Sample> samples;
};

WebAnswer orthanc(std::uint16_t dicom_port, std::string name = "orthanc") {
  WebAnswer answer;
  answer.outcome = Outcome::answered;
  answer.evidence = "answered /system in 0.1 ms";
  answer.identity = OrthancIdentity{std::move(name), "AET", "1.10.1", 16, 6, dicom_port};
  answer.connected = answer.is_http = true;
  answer.response_time_ms = 0.1;
  return answer;
}

WebAnswer failure(Outcome outcome) {
  WebAnswer answer;
  answer.outcome = outcome;
  answer.evidence = "connect to 127.0.0.1:8042 refused";
  return answer;
}

std::string metadata(const Sighting& sighting, std::string_view key) {
  for (const auto& [name, value] : sighting.spec.metadata)
    if (name == key) return value;
  return "";
}

class HostBookTest : public testing::Test {
 protected:
  [[nodiscard]] Now at(Duration after) const {
    return {kStart + after, kWall + std::chrono::duration_cast<std::chrono::milliseconds>(after)};
  }
  void dicom_answers(std::uint16_t port, Duration after) {
    if (book_.dicom_connected(port, Outcome::answered, at(after)))
      book_.dicom_echoed(port, EchoResult::answered, at(after));
  }

  static constexpr MonoTime kStart{1h};
  static constexpr WallTime kWall{std::chrono::hours(24 * 365 * 50)};
  ProbeConfig config_;
  RecordingSink sink_;
  HostBook book_{"127.0.0.1", config_, config_.ranges[0], sink_};
};

TEST_F(HostBookTest, AServerIsReportedAtTheSweepsEndWhenItsDicomPortIsKnown) {
  EXPECT_TRUE(book_.found(8042, orthanc(4242), at(0s)));
  EXPECT_THAT(sink_.reports, IsEmpty());
  dicom_answers(4242, 0s);
  book_.sweep_finished(at(1s));
  EXPECT_THAT(sink_.reports, ElementsAre("probe:127.0.0.1:8042"));
  EXPECT_EQ(metadata(sink_.now.at("probe:127.0.0.1:8042"), "dicom_port"), "4242");
  EXPECT_EQ(sink_.samples.at("probe:127.0.0.1:8042").first_seen, at(0s).wall);
}

TEST_F(HostBookTest, AChangeOfHealthIsReportedAtOnceAndSamenessIsNot) {
  book_.found(8042, orthanc(4242), at(0s));
  book_.sweep_finished(at(0s));
  sink_.reports.clear();
  EXPECT_TRUE(book_.checked(8042, orthanc(4242), at(1s)));
  EXPECT_THAT(sink_.reports, IsEmpty());
  EXPECT_TRUE(book_.checked(8042, failure(Outcome::refused), at(2s)));
  EXPECT_EQ(sink_.now.at("probe:127.0.0.1:8042").health, Status::critical);
  EXPECT_EQ(sink_.now.at("probe:127.0.0.1:8042").cause.evidence, "connect to 127.0.0.1:8042 refused");
  EXPECT_EQ(sink_.samples.at("probe:127.0.0.1:8042").last_seen, at(1s).wall);
}

TEST_F(HostBookTest, ANewNameIsReportedUnderTheSameId) {
  book_.found(8042, orthanc(4242, "before"), at(0s));
  book_.sweep_finished(at(0s));
  book_.checked(8042, orthanc(4242, "after"), at(1s));
  EXPECT_EQ(metadata(sink_.now.at("probe:127.0.0.1:8042"), "name"), "after");
  EXPECT_EQ(sink_.now.size(), 1U);
}

TEST_F(HostBookTest, WhatStaysOfflineIsGoneAfterFiveMinutesAndMayBeFoundAnew) {
  book_.found(8042, orthanc(4242), at(0s));
  book_.sweep_finished(at(0s));
  EXPECT_TRUE(book_.checked(8042, failure(Outcome::refused), at(1s)));
  EXPECT_FALSE(book_.checked(8042, failure(Outcome::refused), at(300s)));
  EXPECT_TRUE(sink_.lost.contains("probe:127.0.0.1:8042"));
  EXPECT_FALSE(book_.knows(8042));
  EXPECT_TRUE(book_.found(8042, orthanc(4242), at(400s)));
}

TEST_F(HostBookTest, AnOfflineServerKeepsItsDicomPort) {
  book_.found(8042, orthanc(4242), at(0s));
  dicom_answers(4242, 0s);
  book_.sweep_finished(at(0s));
  book_.checked(8042, failure(Outcome::refused), at(1s));
  for (int sweep = 1; sweep < 10; ++sweep) {
    EXPECT_FALSE(book_.dicom_connected(4242, Outcome::refused, at(sweep * 3s)));
    book_.sweep_finished(at(sweep * 3s));
  }
  EXPECT_EQ(metadata(sink_.now.at("probe:127.0.0.1:8042"), "dicom_port"), "4242");
}

TEST_F(HostBookTest, ADicomPortIsANodeOfItsOwnOnlyAfterTwoSweepsAlone) {
  dicom_answers(4250, 0s);
  book_.sweep_finished(at(0s));
  EXPECT_THAT(sink_.reports, IsEmpty());
  dicom_answers(4250, 3s);
  book_.sweep_finished(at(3s));
  EXPECT_THAT(sink_.reports, ElementsAre("probe:127.0.0.1:dicom:4250"));
  EXPECT_THAT(book_.dicom_nodes_known(), ElementsAre(4250));

  book_.found(8050, orthanc(4250), at(5s));  // its web port came later
  book_.sweep_finished(at(6s));
  EXPECT_EQ(sink_.lost.at("probe:127.0.0.1:dicom:4250"), "127.0.0.1:4250 belongs to an Orthanc");
  EXPECT_EQ(metadata(sink_.now.at("probe:127.0.0.1:8050"), "dicom_port"), "4250");
}

TEST_F(HostBookTest, OtherServersAreListedOnlyIfAskedForAndAPortIsOneThingAtATime) {
  WebAnswer page = failure(Outcome::foreign);
  page.connected = page.is_http = true;
  page.server = "nginx";
  EXPECT_FALSE(book_.found(8080, page, at(0s)));
  EXPECT_THAT(sink_.reports, IsEmpty());

  config_.report_other = true;
  book_.found(8080, page, at(3s));
  book_.sweep_finished(at(3s));
  EXPECT_EQ(metadata(sink_.now.at("probe:127.0.0.1:http:8080"), "server"), "nginx");
  EXPECT_TRUE(book_.found(8080, orthanc(4280), at(6s)));
  EXPECT_TRUE(sink_.lost.contains("probe:127.0.0.1:http:8080"));
}

TEST_F(HostBookTest, WhatAnEarlierRunLeftIsTakenOver) {
  Instance known;
  known.id = orthanc_id("127.0.0.1", 8043);
  OrthancFacts facts{8043, true, {"n", "A", "1.10.1", 16, 6, 4242}, "dicom-web", 4243};
  known.spec = orthanc_spec("127.0.0.1", facts);
  known.health = Status::critical;
  known.status_reason = "connect to 127.0.0.1:8043 refused";
  known.registered_at = at(0s).wall - 1h;
  known.status_since = at(0s).wall - 250s;
  EXPECT_EQ(facts_from(known.spec), facts);
  ASSERT_TRUE(book_.adopt(known, at(0s)));
  EXPECT_THAT(book_.web_ports_known(), ElementsAre(8043));

  EXPECT_TRUE(book_.checked(8043, failure(Outcome::refused), at(49s)));
  EXPECT_FALSE(book_.checked(8043, failure(Outcome::refused), at(50s)));
  EXPECT_TRUE(sink_.lost.contains("probe:127.0.0.1:8043"));
}

TEST_F(HostBookTest, WhatIsNotItsOwnIsNotTakenOver) {
  Instance known;
  known.id = orthanc_id("127.0.0.1", 80);
  known.spec = orthanc_spec("127.0.0.1", {80, false, {}, "", std::nullopt});
  EXPECT_FALSE(book_.adopt(known, at(0s)));  // not among the ports any more
  known.id = orthanc_id("10.0.0.1", 8042);
  known.spec = orthanc_spec("10.0.0.1", {8042, false, {}, "", std::nullopt});
  EXPECT_FALSE(book_.adopt(known, at(0s)));
}

TEST_F(HostBookTest, DetailsKeepWhatTheProcessShowedAndCountRestarts) {
  book_.found(8042, orthanc(4242), at(0s));
  book_.sweep_finished(at(0s));
  book_.saw_process(8042, 100, 12.5, 1'000'000);
  OrthancSample counts;
  counts.instances = 7;
  book_.detailed(8042, counts, "dicom-web");
  book_.saw_process(8042, 200, std::nullopt, 2'000'000);
  book_.checked(8042, orthanc(4242), at(1s));
  const auto sample = sink_.samples.at("probe:127.0.0.1:8042").orthanc.value();
  EXPECT_EQ(sample.instances, 7U);
  EXPECT_EQ(sample.memory_bytes, 2'000'000U);
  EXPECT_EQ(sample.restarts, 1U);
  EXPECT_EQ(metadata(sink_.now.at("probe:127.0.0.1:8042"), "plugins"), "dicom-web");
}

}  // namespace
}  // namespace rollcall::probe
