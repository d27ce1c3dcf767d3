#pragma once
// A log of its own in the cluster that tests share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "conformance/values.hpp"
#include "store/postgres/postgres_store.hpp"
#include "support/postgres_cluster.hpp"

namespace rollcall::testing {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// Looks again and again until it holds, and fails after `most`.
template <class Condition>
::testing::AssertionResult eventually(Condition condition, std::chrono::milliseconds most = 20s) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return ::testing::AssertionFailure() << "not in " << most.count();
    std::this_thread::yield();
  }
  return ::testing::AssertionSuccess();
}

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_ = PostgresCluster::shared();
    if (cluster_ == nullptr) GTEST_SKIP() << "PostgreSQL isn't installed";
    schema_.emplace(*cluster_);
  }

  [[nodiscard]] PostgresOptions options() const { return options_on(*cluster_); }
  [[nodiscard]] PostgresOptions options_on(const PostgresCluster& cluster) const {
    PostgresOptions options;
    // The sessions of this test, for pg_stat_activity.
    options.connection = cluster.connection_string() + " application_name=" + schema_->name();
    options.schema = schema_->name();
    options.waits = {.connect_timeout = 20s, .request_timeout = 20s};
    return options;
  }

  static std::unique_ptr<Store> open(const PostgresOptions& options) {
    auto store = open_postgres_store(options);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }

  [[nodiscard]] std::string sessions() const {
    return "FROM pg_stat_activity WHERE application_name = '" + schema_->name() + "'";
  }
  [[nodiscard]] bool has_sessions() const { return cluster_->ask("SELECT count(*) " + sessions()) != "0"; }

  PostgresCluster* cluster_ = nullptr;
  std::optional<PostgresSchema> schema_;
};

}  // namespace rollcall::testing
