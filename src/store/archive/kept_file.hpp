#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace rollcall {

/// A file that is there whole or not at all. Until keep() it lies beside its place as PATH.partial, held by a lock that
/// dies with the process; what a killed process left there, the next one takes over.
class KeptFile {
 public:
  /// Its owner's alone (mode 0600). What lies at `path` stays as it is until keep(); it must be a file or nothing.
  /// `conflict` while another process writes the same.
  [[nodiscard]] static Result<KeptFile> open(const std::string& path);

  KeptFile(KeptFile&& other) noexcept
      : path_(std::move(other.path_)), partial_(std::move(other.partial_)), file_(std::exchange(other.file_, -1)) {}
  KeptFile& operator=(KeptFile&&) = delete;
  ~KeptFile();

  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Makes it durable and puts it in its place, instead of what was there.
  [[nodiscard]] Result<void> keep();

 private:
  KeptFile(std::string path, int file) : path_(std::move(path)), partial_(path_ + ".partial"), file_(file) {}

  std::string path_, partial_;
  int file_;  ///< -1: kept, or moved from
};

/// All of it, whatever the descriptor is. `name` is for the error.
[[nodiscard]] Result<void> write_all(int file, std::string_view bytes, const std::string& name);

}  // namespace rollcall
