#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "cli/app.hpp"
#include "cli/registration.hpp"
#include "cli/table.hpp"

namespace rollcall::cli {
namespace {

namespace json = boost::json;

TEST(Table, ColumnsAreAlignedAndEmptyCellsShow) {
  Table table({"NAME", "STATUS", "WHY"});
  table.add({"billing", "passing", ""});
  table.add({"größe", "critical", "refused"});
  EXPECT_EQ(table.text(false),
            "NAME     STATUS    WHY\n"
            "billing  passing   -\n"
            "größe    critical  refused\n");
}

TEST(Table, ColoursDontShiftColumns) {
  Table table({"STATUS", "ID"});
  table.add({"passing", "a"});
  EXPECT_EQ(table.text(true), "STATUS   ID\n\033[32mpassing\033[0m  a\n");
}

TEST(Table, WhatOthersWroteCantReachTheTerminal) { EXPECT_EQ(printable("a\033[2Jb\n"), "a\\x1b[2Jb\\x0a"); }

TEST(Registration, TheBodyHasWhatWasGivenAndNothingElse) {
  const auto body = body_of({.service = "billing",
                             .id = "b-1",
                             .port = 8080,
                             .tags = {"eu"},
                             .metadata = {"zone=a=b"},
                             .ttl = "500ms",
                             .session = "s",
                             .check = "tcp:127.0.0.1:8080",
                             .check_interval = "10"});
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(json::parse(*body),
            json::parse(R"({"id":"b-1","port":8080,"tags":["eu"],"metadata":{"zone":"a=b"},"ttl":"500ms",
                            "session":"s","check":{"tcp":"127.0.0.1:8080","interval":10}})"));
}

TEST(Registration, AWrongFlagIsNamed) {
  EXPECT_EQ(body_of({.service = "a", .port = 1, .metadata = {"zone"}}).error().field, "--meta");
  EXPECT_EQ(body_of({.service = "a", .port = 1, .check = "ping"}).error().field, "--check");
}

TEST(Client, AServerIsAnAddressAndAPort) {
  EXPECT_EQ(net::to_text(*resolve("127.0.0.1:5001")), "127.0.0.1:5001");
  EXPECT_EQ(net::to_text(*resolve("[::1]:5001")), "[::1]:5001");
  for (const auto* wrong : {"", ":", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:66000", "host:", "host:http", "::1:80"}) {
    const auto endpoint = resolve(wrong);
    ASSERT_FALSE(endpoint) << wrong;
    EXPECT_EQ(endpoint.error().field, "--server") << wrong;
  }
}

TEST(Client, AServerMayBeAUrl) {
  const auto plain = find_server("http://127.0.0.1:5001/");
  EXPECT_EQ(net::to_text(plain->endpoint), "127.0.0.1:5001");
  EXPECT_FALSE(plain->secure);
  const auto secure = find_server("https://localhost:5002");
  EXPECT_EQ(net::to_text(secure->endpoint), "127.0.0.1:5002");
  EXPECT_EQ(secure->host, "localhost");
  EXPECT_TRUE(secure->secure);
  EXPECT_EQ(find_server("https://[::1]:5001")->host, "::1");
  EXPECT_EQ(find_server("https://[::1]")->endpoint.port(), 443);
  EXPECT_EQ(find_server("http://10.0.0.1")->endpoint.port(), 80);
  EXPECT_FALSE(find_server("127.0.0.1:5001")->secure);
  for (const auto* wrong : {"", "https://", "https://127.0.0.1:5001/path", "ftp://127.0.0.1:21", "https://127.0.0.1:0",
                            "https://me@127.0.0.1:x", "127.0.0.1"}) {
    const auto server = find_server(wrong);
    ASSERT_FALSE(server) << wrong;
    EXPECT_EQ(server.error().field, "--server") << wrong;
    EXPECT_TRUE(server.error().message.contains(wrong)) << server.error().message;
  }
}

TEST(Client, FlagsOfTlsAreForHttpsAlone) {
  for (const auto& common :
       {Common{.server = "127.0.0.1:1", .cacert = "ca.pem"}, Common{.server = "127.0.0.1:1", .key = "k"},
        Common{.server = "https://127.0.0.1:1", .cacert = "/nowhere"}}) {
    const auto client = Client::open(common);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::invalid);
    EXPECT_TRUE(client.error().field.starts_with("--")) << client.error().field;
  }
}

TEST(Client, AProblemKeepsItsWordsAndItsKind) {
  const auto error = error_of(503, R"({"type":"urn:rollcall:unknown_outcome","detail":"perhaps done","field":"port"})");
  EXPECT_EQ(error.code, ErrorCode::unknown_outcome);
  EXPECT_EQ(error.message, "perhaps done");
  EXPECT_EQ(error.field, "port");
  EXPECT_EQ(error_of(404, "<html>").code, ErrorCode::not_found);
}

TEST(ExitCodes, TellApartWhatToDo) {
  EXPECT_EQ(exit_code_of(ErrorCode::not_found), 1);
  EXPECT_EQ(exit_code_of(ErrorCode::invalid), 2);
  EXPECT_EQ(exit_code_of(ErrorCode::unavailable), 3);
  EXPECT_EQ(exit_code_of(ErrorCode::unauthorized), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::internal), 5);
}

}  // namespace
}  // namespace rollcall::cli
