// A provider says each thing once; the sink sees to it that it is written.
#include "server/registry_sink.hpp"

#include "base/log.hpp"
#include "registry/registry_harness.hpp"

namespace rollcall::testing {
namespace {

class RegistrySinkTest : public RegistryTest {
 protected:
  RegistrySinkTest() { time_->advance(0s); }

  static Sighting sighting(std::string_view id, std::uint16_t port = 80, std::string_view service = "shop") {
    Sighting seen;
    seen.id = InstanceId(id);
    seen.spec.service = ServiceName(service);
    seen.spec.address = "10.0.0.1";
    seen.spec.port = port;
    seen.cause = {"swarm", "as a test has it"};
    return seen;
  }
  void see(std::string_view id, std::uint16_t port = 80, std::string_view service = "shop") {
    sink_.seen(sighting(id, port, service));
  }
  void end(std::string_view id) { sink_.gone(InstanceId(id), {"swarm", "over"}); }
  void fail_commits(bool wanted = true) {
    daemon_->store.fault = wanted ? std::optional(ErrorCode::unavailable) : std::nullopt;
  }
  std::uint16_t port_of(std::string_view id) {
    const auto instance = daemon_->catalog.find_instance(id);
    return instance ? instance->spec.port : std::uint16_t{0};
  }

  SampleTable samples_;
  RegistrySink sink_{{*daemon_->registry, daemon_->executor, samples_, *time_}, Source::swarm};
};

TEST_F(RegistrySinkTest, WritesWhatIsSaid) {
  see("a");
  time_->advance(1ms);
  EXPECT_EQ(port_of("a"), 80);
  end("a");
  time_->advance(1ms);
  EXPECT_FALSE(alive("a"));
}

TEST_F(RegistrySinkTest, WritesAgainWhatTheStoreDidntTake) {
  see("a");
  time_->advance(1ms);
  fail_commits();
  see("b");
  end("a");
  time_->advance(5s);
  EXPECT_TRUE(alive("a"));
  EXPECT_FALSE(alive("b"));
  fail_commits(false);
  time_->advance(3s);
  EXPECT_FALSE(alive("a")) << "its end was said once";
  EXPECT_TRUE(alive("b"));
}

TEST_F(RegistrySinkTest, TheNewestWordIsTheOneThatIsWritten) {
  fail_commits();
  see("a", 81);
  time_->advance(1ms);
  see("a", 82);
  end("a");
  see("a", 83);
  time_->advance(500ms);
  fail_commits(false);
  time_->advance(3s);
  EXPECT_EQ(port_of("a"), 83);
  EXPECT_EQ(daemon_->registry->stats().changes, 1U);
}

TEST_F(RegistrySinkTest, AnIdGoesByAnotherServicesNameOnceItsEndIsWritten) {
  see("a");
  time_->advance(1ms);
  fail_commits();
  end("a");
  see("a", 81, "desk");
  time_->advance(500ms);
  fail_commits(false);
  time_->advance(3s);
  ASSERT_TRUE(alive("a"));
  EXPECT_EQ(daemon_->catalog.find_instance("a")->spec.service.view(), "desk");
}

TEST_F(RegistrySinkTest, WhatCannotBeTakenIsNotTriedAgain) {
  ASSERT_TRUE(submit(registration("a")));
  const auto before = log::lines_written(log::Level::warning);
  see("a", 80, "billing");  // it is an API client's
  time_->advance(1min);
  EXPECT_EQ(log::lines_written(log::Level::warning), before + 1);
}

TEST_F(RegistrySinkTest, WhoLosesTheOfficeSaysNothingMore) {
  fail_commits();
  see("a");
  time_->advance(500ms);
  sink_.forget();
  fail_commits(false);
  time_->advance(10s);
  EXPECT_FALSE(alive("a"));
}

TEST_F(RegistrySinkTest, TellsWhenAllHasBeenAnswered) {
  see("a");
  bool done = false;
  sink_.after_all_said([&] { done = alive("a"); });
  time_->advance(1ms);
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace rollcall::testing
