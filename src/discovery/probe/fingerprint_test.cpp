#include "discovery/probe/fingerprint.hpp"

#include <gtest/gtest.h>

namespace rollcall::probe {
namespace {

// What Debian's Orthanc 1.10.1 answers.
constexpr std::string_view kSystem = R"({
   "ApiVersion" : 16, "CheckRevisions" : false, "DatabaseBackendPlugin" : null, "DatabaseVersion" : 6,
   "DicomAet" : "ORTHANC1", "DicomPort" : 4243, "HttpPort" : 8043, "IsHttpServerSecure" : true,
   "Name" : "orthanc-1", "PluginsEnabled" : true, "StorageAreaPlugin" : null, "Version" : "1.10.1" })";

net::HttpReply reply(unsigned status, std::string body = {}) {
  net::HttpReply made;
  made.status = status;
  made.body = std::move(body);
  return made;
}

TEST(Fingerprint, AnOpenOrthancSaysWhoItIs) {
  const auto print = fingerprint_system(reply(200, std::string(kSystem)));
  EXPECT_EQ(print.kind, PortKind::orthanc);
  EXPECT_EQ(print.identity, (OrthancIdentity{"orthanc-1", "ORTHANC1", "1.10.1", 16, 6, 4243}));
}

TEST(Fingerprint, AnOrthancThatWantsAPasswordIsToldByItsRealm) {
  auto locked = reply(401);
  locked.www_authenticate = "Basic realm=\"Orthanc Secure Area\"";
  EXPECT_EQ(fingerprint_system(locked).kind, PortKind::orthanc_locked);
}

TEST(Fingerprint, AnOrthancWhosePluginRefusesIsToldByItsErrorBody) {
  const auto refused = reply(403, R"({"HttpError":"Forbidden","HttpStatus":403,"Message":"x","Method":"GET",
                                      "OrthancError":"x","OrthancStatus":40,"Uri":"/system"})");
  EXPECT_EQ(fingerprint_system(refused).kind, PortKind::orthanc_locked);
}

TEST(Fingerprint, ARefusalThatSaysNothingIsDecidedByTheRoot) {
  EXPECT_EQ(fingerprint_system(reply(401)).kind, PortKind::undecided);
  auto root = reply(301);
  root.location = "app/explorer.html";
  EXPECT_EQ(fingerprint_root(root).kind, PortKind::orthanc_locked);
  root.location = "/admin/login/";
  EXPECT_EQ(fingerprint_root(root).kind, PortKind::http);
}

TEST(Fingerprint, WhatIsNotAnOrthancIsAWebServerWithItsName) {
  for (const auto& [status, body] : {std::pair{200U, "<html>Django</html>"},
                                     {200U, "{}"},
                                     {200U, R"({"Name":"x","Version":"1"})"},
                                     {200U, R"({"Version":1,"DicomAet":"A","ApiVersion":1})"},
                                     {200U, "[1,2]"},
                                     {404U, "<h1>Not Found</h1>"},
                                     {302U, ""},
                                     {500U, ""}}) {
    auto other = reply(status, body);
    other.server = "WSGIServer/0.2 CPython/3.11";
    const auto print = fingerprint_system(other);
    EXPECT_EQ(print.kind, PortKind::http) << body;
    EXPECT_EQ(print.server, "WSGIServer/0.2 CPython/3.11");
  }
}

TEST(Fingerprint, WhatAStrangerSendsIsTakenOnlyIfAnInstanceCanHoldIt) {
  EXPECT_FALSE(parse_system(R"({"Version":"1","DicomAet":"A\u0000B","ApiVersion":1})"));
  EXPECT_FALSE(parse_system(R"({"Version":"1","DicomAet":")" + std::string(300, 'A') + R"(","ApiVersion":1})"));
  const auto no_port = parse_system(R"({"Version":"1","DicomAet":"A","ApiVersion":1,"DicomPort":70000})");
  ASSERT_TRUE(no_port.has_value());
  EXPECT_EQ(no_port->dicom_port, std::nullopt);
  EXPECT_FALSE(parse_system(std::string(100'000, '[')));
}

TEST(OrthancAnswers, StatisticsHaveSizesAsText) {
  OrthancSample sample;
  ASSERT_TRUE(parse_statistics(R"({"CountInstances":7,"CountPatients":1,"CountSeries":3,"CountStudies":2,
      "TotalDiskSize":"8589934592","TotalDiskSizeMB":8192,"TotalUncompressedSize":"9","TotalUncompressedSizeMB":0})",
                               sample));
  EXPECT_EQ(sample.patients, 1U);
  EXPECT_EQ(sample.studies, 2U);
  EXPECT_EQ(sample.series, 3U);
  EXPECT_EQ(sample.instances, 7U);
  EXPECT_EQ(sample.disk_bytes, 8'589'934'592U);
  EXPECT_EQ(sample.uncompressed_bytes, 9U);
}

TEST(OrthancAnswers, JobsAreCountedByState) {
  OrthancSample sample;
  ASSERT_TRUE(parse_jobs(R"([{"State":"Running"},{"State":"Pending"},{"State":"Success"},{"State":"Failure"},
                             {"State":"Retry"}])",
                         sample));
  EXPECT_EQ(sample.jobs_running, 1U);
  EXPECT_EQ(sample.jobs_pending, 2U);
  EXPECT_EQ(sample.jobs_failed, 1U);
}

TEST(OrthancAnswers, WhatIsSomethingElseLeavesTheSampleAsItWas) {
  OrthancSample sample;
  sample.instances = 5;
  EXPECT_FALSE(parse_statistics("{}", sample));
  EXPECT_FALSE(parse_statistics("", sample));
  EXPECT_FALSE(parse_jobs(R"(["id-of-a-job"])", sample));
  EXPECT_FALSE(parse_jobs("{}", sample));
  EXPECT_EQ(sample.instances, 5U);
  EXPECT_EQ(sample.jobs_running, std::nullopt);
}

TEST(OrthancAnswers, PluginsAreAListInOrderWithABound) {
  EXPECT_EQ(parse_plugins(R"(["web-viewer","dicom-web","explorer.js"])", 4096), "dicom-web,explorer.js,web-viewer");
  EXPECT_EQ(parse_plugins("[]", 4096), "");
  EXPECT_EQ(parse_plugins(R"(["aaaa","bbbb"])", 6), "aaaa");
  EXPECT_EQ(parse_plugins("{}", 4096), std::nullopt);
}

}  // namespace
}  // namespace rollcall::probe
