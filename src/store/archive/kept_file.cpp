#include "store/archive/kept_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace rollcall {
namespace {

std::unexpected<Error> system_failure(const std::string& path, std::string_view what, int error) {
  return fail(ErrorCode::unavailable, fmt::format("{} {}: {}", path, what, std::generic_category().message(error)));
}

/// Where a symbolic link leads to: the file is replaced, and not the link.
std::string resolved(const std::string& path) {
  std::error_code error;
  auto canonical = std::filesystem::weakly_canonical(path, error);
  return error ? path : canonical.string();
}

/// Opens and locks what still has that name: another process may have put it in its place in between.
Result<int> open_locked(const std::string& partial) {
  const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return system_failure(partial, "can't be written", errno);
  struct stat opened{}, named{};
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 && ::fstat(file, &opened) == 0 && ::stat(partial.c_str(), &named) == 0 &&
      opened.st_ino == named.st_ino && opened.st_dev == named.st_dev) {
    return file;
  }
  ::close(file);
  return fail(ErrorCode::conflict, partial + " is being written by another process");
}

}  // namespace

Result<void> write_all(int file, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failure(name, "can't be written", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<KeptFile> KeptFile::open(const std::string& wanted) {
  const std::string path = resolved(wanted);
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid, path + " is there and no file; - means standard output");
  }
  const auto file = open_locked(path + ".partial");
  if (!file) return std::unexpected(file.error());
  KeptFile kept(path, *file);
  if (::ftruncate(*file, 0) != 0 || ::fchmod(*file, 0600) != 0) {
    return system_failure(kept.partial_, "can't be written", errno);
  }
  return kept;
}

KeptFile::~KeptFile() {
  if (file_ < 0) return;
  ::unlink(partial_.c_str());
  ::close(file_);
}

Result<void> KeptFile::write(std::string_view bytes) { return write_all(file_, bytes, partial_); }

Result<void> KeptFile::keep() {
  if (::fsync(file_) != 0) return system_failure(partial_, "can't be written", errno);
  if (::rename(partial_.c_str(), path_.c_str()) != 0) return system_failure(path_, "can't be replaced", errno);
  ::close(std::exchange(file_, -1));
  const auto folder = std::filesystem::absolute(path_).parent_path();
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return system_failure(folder, "can't be read", errno);
  const int synced = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  return synced == 0 ? Result<void>() : system_failure(folder, "can't be synced", error);
}

}  // namespace rollcall
