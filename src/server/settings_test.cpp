#include "server/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/temp_dir.hpp"

namespace rollcall {
namespace {

using namespace std::chrono_literals;

class SettingsFile {
 public:
  explicit SettingsFile(std::string_view text) { std::ofstream(path()) << text; }
  [[nodiscard]] std::string path() const { return directory_.file("settings.toml"); }

 private:
  testing::TempDir directory_;
};

TEST(Settings, FlagsGoOverEnvironmentOverFileOverDefaults) {
  const SettingsFile file("[http]\nbody_bytes = '2MiB'\nidle_timeout = 5\nheader_bytes = 4096\n");
  const Environment environment{{"ROLLCALL_HTTP_BODY_BYTES", "3MiB"}, {"ROLLCALL_HTTP_IDLE_TIMEOUT", "7s"}};
  const auto settings =
      load_settings({.config_file = file.path(), .values = {{"http.body_bytes", "4MiB"}}}, environment);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->limits.http.body_bytes, 4U << 20);
  EXPECT_EQ(settings->limits.http.idle_timeout, 7s);
  EXPECT_EQ(settings->limits.http.header_bytes, 4096U);
  EXPECT_EQ(settings->limits.http.request_timeout, 10s);
}

// Found by toml_fuzz.
TEST(Settings, AKeyThatBeginsWithNonsenseIsRefused) {
  for (const std::string_view text : {"[,]\n", "[=", "[[;]]", "a.,=1", "\xEF\xBA\xBA = 1"}) {
    Settings settings;
    const auto applied = apply_toml(settings, text, "f.toml");
    ASSERT_FALSE(applied) << text;
    EXPECT_TRUE(applied.error().message.starts_with("line 1: ")) << applied.error().message;
  }
}

TEST(Settings, TheStoreMayBeAPostgresqlConnection) {
  Settings settings;
  EXPECT_TRUE(set(settings, "store", "postgres://rollcall@db1,db2/registry?sslmode=verify-full", "--store"));
  EXPECT_EQ(settings.store, Settings::StoreKind::postgres);
  EXPECT_EQ(settings.postgres_connection, "postgres://rollcall@db1,db2/registry?sslmode=verify-full");
  EXPECT_TRUE(set(settings, "store", "memory", "--store"));
  EXPECT_EQ(settings.store, Settings::StoreKind::memory);
  EXPECT_FALSE(set(settings, "store", "mysql", "--store"));
  EXPECT_FALSE(set(settings, "postgres.schema", "a b", "test"));
  EXPECT_FALSE(set(settings, "postgres.schema", "pg_mine", "test"));
}

TEST(Settings, TheStoresPasswordIsKeptOffTheCommandLineAndOutOfMessages) {
  Settings settings;
  const auto on_the_line = set(settings, "store", "postgres://me:hush@db/x", "--store");
  ASSERT_FALSE(on_the_line);
  EXPECT_TRUE(set(settings, "store", "postgres://me:hush@db/x", "ROLLCALL_STORE"));
  const auto unreadable = set(settings, "store", "postgres://me:hush%zz@db/x", "ROLLCALL_STORE");
  ASSERT_FALSE(unreadable);
  for (const auto& message : {on_the_line.error().message, unreadable.error().message, describe_settings()}) {
    EXPECT_EQ(message.find("hush"), std::string::npos) << message;
  }
}

TEST(Settings, AnOriginIsAsBrowsersSendIt) {
  Settings settings;
  EXPECT_TRUE(set(settings, "cors.origins", "https://desk.example:8443, http://localhost:3000", "test"));
  EXPECT_EQ(settings.cors_origins.size(), 2U);
  EXPECT_TRUE(set(settings, "cors.origins", "*", "test"));
  for (const std::string_view text :
       {"desk.example", "https://", "https://desk.example/", "https://*.example", "null"}) {
    EXPECT_FALSE(set(settings, "cors.origins", text, "test")) << text;
  }
}

TEST(Settings, TheVariablesOfSeed004Work) {
  const auto settings = load_settings(
      {}, {{"HOST", "0.0.0.0"}, {"PORT", "6001"}, {"LOG_LEVEL", "debug"}, {"METRICS_REFRESH_INTERVAL_SEC", "15"}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->limits.metrics.step, std::chrono::seconds(15));
  EXPECT_EQ(net::to_text(settings->http), "0.0.0.0:6001");
  EXPECT_EQ(settings->log_level, log::Level::debug);
}

TEST(Settings, VariablesOfSeed004ThatSetNothingAreNoted) {
  const auto settings = load_settings({}, {{"RABBITMQ_URL", ""}, {"AUTOSCALER_LABEL_COLOUR", "a.colour"}});
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->notes.size(), 1U);
  EXPECT_TRUE(settings->notes[0].starts_with("AUTOSCALER_LABEL_COLOUR has no effect"));
}

TEST(Settings, Seed004sVariablesOfDockerAreSettings) {
  const auto settings = load_settings({}, {{"DOCKER_BASE_URL", "tcp://engine:2375"},
                                           {"DOCKER_CERT_PATH", ""},
                                           {"REFRESH_INTERVAL_SEC", "15"},
                                           {"AUTOSCALER_LABEL_ENABLED", "scale.me"},
                                           {"AUTOSCALER_LABEL_MIN", "scale.min"}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->docker_url, "tcp://engine:2375");
  EXPECT_EQ(settings->docker.refresh_interval, 15s);
  EXPECT_EQ(settings->docker.labels.min, "scale.min");
  EXPECT_EQ(filter_of(settings->docker), std::vector{LabelCondition({"scale.me", "true"})});
}

TEST(Settings, WhichServicesOfDockersAreListedIsAListOfLabels) {
  Settings settings;
  EXPECT_TRUE(set(settings, "docker.filter", "team, zone=a", "--set docker.filter"));
  EXPECT_EQ(filter_of(settings.docker), (std::vector<LabelCondition>{{"team", std::nullopt}, {"zone", "a"}}));
  EXPECT_TRUE(set(settings, "docker.filter", "", "--set docker.filter"));
  EXPECT_TRUE(filter_of(settings.docker).empty());
  EXPECT_FALSE(set(settings, "docker.filter", "=a", "--set docker.filter"));
  EXPECT_FALSE(set(settings, "docker.url", "ssh://engine", "--set docker.url"));
}

TEST(Settings, WhatIsPublishedHasAReceiverAndASecret) {
  const auto settings = load_settings({}, {{"RABBITMQ_URL", "amqp://me:secret@h/v"}, {"RABBITMQ_EXCHANGE", "x"}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->rabbitmq.url, "amqp://me:secret@h/v");
  EXPECT_EQ(settings->rabbitmq.exchange, "x");
  const auto wrong = load_settings({}, {{"RABBITMQ_URL", "amqp://me:secret@h/a/b"}});
  ASSERT_FALSE(wrong);
  EXPECT_FALSE(wrong.error().message.contains("secret")) << wrong.error().message;
  EXPECT_FALSE(load_settings({.config_file = {}, .values = {{"rabbitmq.url", "amqp://me:secret@h"}}}, {}))
      << "everyone sees it";
  EXPECT_FALSE(load_settings({}, {{"ROLLCALL_WEBHOOK_URL", "http://h/"}})) << "unsigned";
  EXPECT_TRUE(
      load_settings({}, {{"ROLLCALL_WEBHOOK_URL", "http://h/"}, {"ROLLCALL_WEBHOOK_SECRET", "0123456789abcdef"}}));
  EXPECT_FALSE(load_settings({}, {{"RABBITMQ_URL", "amqp://h"}, {"ROLLCALL_RABBITMQ_CA", "/ca.pem"}}));
  EXPECT_FALSE(load_settings({}, {{"RABBITMQ_URL", "amqps://h"}, {"ROLLCALL_RABBITMQ_CERT", "/cert.pem"}}));
}

TEST(Settings, AnUnknownVariableOfOursNamesTheNearest) {
  const auto settings = load_settings({}, {{"ROLLCALL_HTTP_BODY_BYTE", "1"}});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().field, "ROLLCALL_HTTP_BODY_BYTE");
  EXPECT_NE(settings.error().message.find("the nearest is ROLLCALL_HTTP_BODY_BYTES,"), std::string::npos);
  EXPECT_TRUE(load_settings({}, {{"ROLLCALL_SERVER", "x"}, {"ROLLCALL_CACERT", "z"}, {"ROLLCALL_TOKEN", "y"}}));
}

TEST(Settings, AWrongValueNamesItsOriginAndWhatIsAllowed) {
  const auto settings = load_settings({}, {{"ROLLCALL_HTTP_BODY_BYTES", "lots"}});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().field, "ROLLCALL_HTTP_BODY_BYTES");
  EXPECT_EQ(settings.error().message, "is \"lots\"; allowed is: a number of bytes, also as 64KiB, 1MiB, 1GiB");
  EXPECT_EQ(load_settings({.config_file = {}, .values = {{"listen.http", "5001"}}}, {}).error().field, "--http");
}

TEST(Settings, AnUnknownKeyInTheFileStopsTheStart) {
  const SettingsFile file("[http]\nbody_bites = 1\n");
  const auto settings = load_settings({.config_file = file.path(), .values = {}}, {});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().field, file.path() + ": http.body_bites");
}

TEST(Settings, ABrokenFileNamesTheLine) {
  const SettingsFile file("[http]\nbody_bytes = = 1\n");
  const auto settings = load_settings({.config_file = file.path(), .values = {}}, {});
  ASSERT_FALSE(settings);
  EXPECT_NE(settings.error().message.find("line 2"), std::string::npos);
}

TEST(Settings, ARangeOfServersIsATableOfTheFile) {
  const SettingsFile file(
      "[[probe.ranges]]\nhosts = ['10.0.0.0/30', '127.0.0.1']\nweb_ports = '8042,9000-9001'\nuser = 'u'\n"
      "password = 'p'\n[[probe.ranges]]\nhosts = '::1'\n");
  const auto settings = load_settings({.config_file = file.path(), .values = {}}, {});
  ASSERT_TRUE(settings) << settings.error().field << settings.error().message;
  ASSERT_EQ(settings->probe.ranges.size(), 2U);
  EXPECT_EQ(settings->probe.ranges[0].web_ports, (PortList{8042, 9000, 9001}));
  EXPECT_EQ(settings->probe.ranges[0].credentials->password, "p");
  EXPECT_EQ(settings->probe.ranges[1].hosts, (std::vector<std::string>{"::1"}));
  EXPECT_EQ(settings->probe.ranges[1].web_ports.size(), 59U);
}

TEST(Settings, APasswordIsNeverInAnError) {
  Settings settings;
  const SettingsFile file("[probe]\npassword = {a = 's3cret'}\n");
  const auto loaded = load_settings({.config_file = file.path(), .values = {}}, {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message.find("s3cret"), std::string::npos);
}

TEST(Settings, EveryDefaultThatIsShownCanBeSet) {
  const Settings defaults;
  for (const auto& setting : settings_table()) {
    const auto shown = setting.show(defaults);
    if (shown.empty() || shown == "0") continue;
    Settings settings;
    EXPECT_TRUE(setting.set(settings, shown)) << setting.key << " = " << shown;
    EXPECT_EQ(setting.show(settings), shown) << setting.key;
  }
}

TEST(Settings, TheDocumentationListsEachAsItIs) {
  std::ifstream file(ROLLCALL_SOURCE_DIR "/docs/configuration.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find(describe_settings()), std::string::npos) << "paste what `rollcall settings` prints";
}

}  // namespace
}  // namespace rollcall
