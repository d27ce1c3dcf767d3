#pragma once
// The engines that the suite runs over, each with several handles on one log.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "store/memory/memory_store.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace rollcall::testing {

using namespace std::chrono_literals;

/// A directory of its own, gone at the end.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "rollcall-store-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

class MemoryEngine {
 public:
  std::unique_ptr<Store> open(const StoreLimits& limits = {}) { return make_memory_store(log_, limits, 1h); }

 private:
  std::shared_ptr<MemoryLog> log_ = make_memory_log(Generation{7});
};

class SqliteEngine {
 public:
  std::unique_ptr<Store> open(const StoreLimits& limits = {}) {
    SqliteOptions options;
    options.path = directory_.file("log.db");
    options.limits = limits;
    options.tombstone_life = 1h;
    // What a power cut would do is tests/crash's business.
    options.tuning.sync = false;
    auto store = open_sqlite_store(options);
    if (!store) {
      ADD_FAILURE() << store.error().message;
      return nullptr;
    }
    return std::move(*store);
  }

 private:
  TempDir directory_;
};

}  // namespace rollcall::testing
