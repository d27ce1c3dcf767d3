#pragma once
// Each engine in turn, on an empty log.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "conformance/engines.hpp"
#include "conformance/values.hpp"

namespace rollcall::testing {

template <class Engine>
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Engine::is_missing()) GTEST_SKIP() << "it isn't installed";
  }

  Engine engine_;
  std::unique_ptr<Store> store_ = engine_.open();

  static CommitResult must(Result<CommitResult> result) {
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : CommitResult{};
  }
  /// Commits one change; the instance it left.
  InstancePtr commit(Change change) {
    const auto result = must(store_->commit(batch(seen_, {std::move(change)})));
    EXPECT_TRUE(result.outcomes.at(0)) << result.outcomes.at(0).error().message;
    seen_ = result.events.back()->revision;
    return result.events.back()->instance;
  }
  Revision seen_;
};

struct EngineNames {
  template <class Engine>
  static std::string GetName(int) {
    if (std::is_same_v<Engine, PostgresEngine>) return "Postgres";
    return std::is_same_v<Engine, MemoryEngine> ? "Memory" : "Sqlite";
  }
};
using Engines = ::testing::Types<MemoryEngine, SqliteEngine, PostgresEngine>;
/// In which several nodes share a log. A file of SQLite is one daemon's.
using SharedEngines = ::testing::Types<MemoryEngine, PostgresEngine>;

}  // namespace rollcall::testing
