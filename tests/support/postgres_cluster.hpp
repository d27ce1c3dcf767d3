#pragma once
// PostgreSQL for tests: throwaway clusters, and schemas in them (tests/servers/postgres.sh).
#include <memory>
#include <string>

namespace rollcall::testing {

class PostgresCluster {
 public:
  /// The one that ctest has started for all tests, or else one of this process, which ends with it. Null where
  /// PostgreSQL isn't installed.
  static PostgresCluster* shared();
  /// One of the caller's own, to stop and kill.
  static std::unique_ptr<PostgresCluster> start();

  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  /// As the superuser, who needs no password.
  [[nodiscard]] std::string connection_string() const { return "host=" + folder_ + " user=test dbname=postgres"; }
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

  /// A command of the script: "kill", "up", "stop-processes", "go-on", "standby", "promote".
  void command(const std::string& verb) const;

  /// The first value of what `sql` gives, as text; empty where it gives nothing.
  [[nodiscard]] std::string ask(const std::string& sql) const;

 private:
  PostgresCluster(std::string folder, bool owned) : folder_(std::move(folder)), owned_(owned) {}

  std::string folder_;
  bool owned_;
};

/// A name that no other test has, and what is in it goes at the end.
class PostgresSchema {
 public:
  explicit PostgresSchema(const PostgresCluster& cluster);
  ~PostgresSchema();
  PostgresSchema(const PostgresSchema&) = delete;
  PostgresSchema& operator=(const PostgresSchema&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  const PostgresCluster& cluster_;
  std::string name_;
};

}  // namespace rollcall::testing
