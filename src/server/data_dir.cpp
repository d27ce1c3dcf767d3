#include "server/data_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <utility>

namespace rollcall {

Result<DataDir> DataDir::open(const std::string& path) {
  const auto cannot = [&](std::string_view what, int error) {
    return fail(ErrorCode::unavailable, fmt::format("{}: {}: {}", path, what, std::strerror(error)), "data_dir");
  };
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::create_directories(path, error)) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return cannot("can't be made", error.value());

  const auto lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return cannot("can't be written", errno);
  // What root makes in a daemon's directory must not keep the daemon out.
  struct stat directory{};
  if (::geteuid() == 0 && ::stat(path.c_str(), &directory) == 0) {
    static_cast<void>(::fchown(lock, directory.st_uid, directory.st_gid) == 0);
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return DataDir(path, lock);
  const int why = errno;
  ::close(lock);
  if (why != EWOULDBLOCK) return cannot("can't be locked", why);
  return fail(ErrorCode::conflict, fmt::format("{}: another rollcall daemon uses this directory", path), "data_dir");
}

DataDir::DataDir(DataDir&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDir& DataDir::operator=(DataDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace rollcall
