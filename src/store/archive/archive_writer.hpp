#pragma once
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "store/archive/sha256.hpp"
#include "store/whole_log.hpp"

namespace rollcall {

/// Where an archive's bytes go, in order.
using WriteBytes = std::function<Result<void>(std::string_view)>;

/// A log as the bytes of a file, a block at a time.
class ArchiveWriter final : public LogSink {
 public:
  /// `program` is who wrote it and `at` when, for people.
  ArchiveWriter(WriteBytes write, std::string program, WallTime at)
      : write_(std::move(write)), program_(std::move(program)), at_(at) {}

  Result<void> head(const LogHead& head) override;
  Result<void> event(const KeptEvent& kept) override;
  Result<void> mark(const LeaseMark& mark) override;
  Result<void> outbox(std::string_view name, Revision confirmed) override;

  /// Writes the end, without which it isn't whole.
  [[nodiscard]] Result<void> finish();

 private:
  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Makes room for an item of a block of that kind.
  [[nodiscard]] Result<void> begin_item(char kind);
  [[nodiscard]] Result<void> end_block();

  WriteBytes write_;
  std::string program_;
  WallTime at_;
  char kind_ = 0;        ///< of the block that is being filled; 0: none
  std::string content_;  ///< of it
  std::string row_;      ///< reused
  std::uint64_t events_ = 0, marks_ = 0, outboxes_ = 0;
  Sha256 sha_;
};

}  // namespace rollcall
