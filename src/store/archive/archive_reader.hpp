#pragma once
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "store/whole_log.hpp"

namespace rollcall {

/// A log in a file. Every fault of it is `incompatible`, with a sentence that says where; nothing after a fault is
/// handed over, but what stood before it has been: who must not see a piece reads it twice.
class ArchiveReader final : public LogSource {
 public:
  /// What a file says of itself.
  struct Origin {
    std::string program;
    WallTime at;
  };

  /// `not_found` when there is no such file, `invalid` when it can't be read twice (a pipe).
  [[nodiscard]] static Result<std::unique_ptr<ArchiveReader>> open(const std::string& path);
  ~ArchiveReader() override;
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  Result<void> read(LogSink& sink) override;

  /// Once it has been read.
  [[nodiscard]] const Origin& origin() const noexcept { return origin_; }

 private:
  ArchiveReader(std::string path, int file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  int file_;
  Origin origin_;
};

}  // namespace rollcall
