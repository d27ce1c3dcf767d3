#pragma once
#include <string>

#include "base/error.hpp"

namespace rollcall {

/// The log's name in it, where SQLite keeps it.
inline constexpr auto kLogFile = "rollcall.db";

/// The directory that one daemon alone writes to, held by a lock that dies with the process.
class DataDir {
 public:
  /// Makes it (mode 0700) if it isn't there. Fails when another daemon holds it or it can't be written.
  [[nodiscard]] static Result<DataDir> open(const std::string& path);

  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) noexcept;
  ~DataDir();

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
};

}  // namespace rollcall
