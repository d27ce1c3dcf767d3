// Threads: what any thread may ask for while the provider starts, fails and ends.
#include "discovery/docker/docker_provider.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "discovery/docker/recording_sink.hpp"
#include "support/temp_dir.hpp"

namespace rollcall {
namespace {

using namespace std::chrono_literals;

class NobodysSocket : public ::testing::Test {
 protected:
  NobodysSocket() {
    DockerConfig config;
    config.address.path = directory.file("nobody.sock");
    config.limits.retry_shortest = config.limits.retry_longest = 1ms;
    provider = make_docker_provider(std::move(config), clock).value();
  }

  testing::TempDir directory;
  SystemClock clock;
  docker::RecordingSink sink;
  std::unique_ptr<DockerProvider> provider;
};

TEST_F(NobodysSocket, IsTriedAgainAndSaidToBeTrouble) {
  provider->start(sink, {});
  const auto deadline = clock.now() + 10s;
  while (provider->state().failures < 5 && clock.now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(provider->trouble().contains("can't be reached")) << provider->trouble();
  EXPECT_TRUE(provider->state().stale_since);
  std::promise<Result<void>> answer;
  provider->refresh([&](Result<void> outcome) { answer.set_value(std::move(outcome)); });
  EXPECT_EQ(answer.get_future().get().error().code, ErrorCode::unavailable);
  std::promise<std::size_t> running;
  provider->running_containers([&](std::vector<RunningContainer> list) { running.set_value(list.size()); });
  EXPECT_EQ(running.get_future().get(), 0U);
  provider->stop();
  EXPECT_EQ(provider->trouble(), "") << "what isn't followed isn't wrong";
  EXPECT_TRUE(sink.said.empty());
}

TEST_F(NobodysSocket, StartsAgainAfterItsEnd) {
  for (int i = 0; i < 3; ++i) {
    provider->start(sink, {});
    EXPECT_THROW(provider->start(sink, {}), std::logic_error);
    provider->stop();
    provider->stop();
  }
  bool refused = false;
  provider->refresh([&](const Result<void>& outcome) { refused = !outcome; });
  EXPECT_TRUE(refused) << "nothing is followed";
}

TEST(DockerProvider, FilesThatCannotBeReadAreNamed) {
  DockerConfig config;
  config.address = {.kind = EngineAddress::Kind::tcp, .host = "localhost", .port = 2376};
  config.cert_path = testing::TempDir().file("no such folder");
  const auto made = make_docker_provider(config, SystemClock());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().field, "docker.cert_path");
  EXPECT_TRUE(made.error().message.contains("no such folder/ca.pem")) << made.error().message;
}

}  // namespace
}  // namespace rollcall
