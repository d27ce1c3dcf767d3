#include "crash/crash_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <new>
#include <vector>

#include "crash/disk_image.hpp"

namespace rollcall::testing {
namespace {

constexpr std::size_t kMaxPath = 512;

struct File {
  DiskImage image;
  bool name_durable = false, exists = false;
  // SQLite's locks (https://www.sqlite.org/lockingv3.html).
  int shared = 0;
  const void* reserved = nullptr;
  const void* exclusive = nullptr;  ///< or pending
};

/// The index of a write-ahead log: never on disk.
struct SharedMemory {
  std::vector<std::unique_ptr<std::array<char, 32'768>>> regions;
  std::array<int, SQLITE_SHM_NLOCK> shared{};
  std::array<const void*, SQLITE_SHM_NLOCK> exclusive{};
  int users = 0;
};

}  // namespace

struct CrashDisk::Impl {
  enum class Step : std::uint8_t { write, other, sync };

  sqlite3_vfs vfs{};
  std::string name;
  std::map<std::string, std::shared_ptr<File>> files;
  std::map<std::string, std::shared_ptr<SharedMemory>> shm;
  std::uint64_t steps = 0;
  Fault fault = Fault::crash;
  std::uint64_t fault_from = 0, fault_length = 0;
  bool struck = false, dead = false, full = false;

  /// Counts a step: SQLITE_OK, or how it fails. A crash lets the step be pending, and kills the disk.
  int step(Step kind, int error) {
    if (dead) return error;
    ++steps;
    if (fault_from == 0 || steps < fault_from || steps >= fault_from + fault_length) return SQLITE_OK;
    if (fault == Fault::disk_full && kind != Step::write) return SQLITE_OK;
    struck = true;
    if (fault == Fault::crash) dead = true;
    return fault == Fault::disk_full ? SQLITE_FULL : error;
  }
};

namespace {

using Disk = CrashDisk::Impl;

struct OpenFile {
  sqlite3_file base;
  Disk* disk;
  std::shared_ptr<File> file;
  std::string path;
  int level = SQLITE_LOCK_NONE;
  std::shared_ptr<SharedMemory> shm;
};

OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
Disk& of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

int unlock(sqlite3_file* raw, int level) noexcept {
  OpenFile& open = of(raw);
  File& file = *open.file;
  if (open.level <= level) return SQLITE_OK;
  if (file.exclusive == raw) file.exclusive = nullptr;
  if (file.reserved == raw) file.reserved = nullptr;
  if (level == SQLITE_LOCK_NONE && open.level >= SQLITE_LOCK_SHARED) --file.shared;
  open.level = level;
  return SQLITE_OK;
}

int lock(sqlite3_file* raw, int level) noexcept {
  OpenFile& open = of(raw);
  File& file = *open.file;
  if (open.level >= level) return SQLITE_OK;
  const bool barred = file.exclusive != nullptr && file.exclusive != raw;
  if (barred) return SQLITE_BUSY;
  if (open.level == SQLITE_LOCK_NONE) {
    ++file.shared;
    open.level = SQLITE_LOCK_SHARED;
  }
  if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
  if (file.reserved != nullptr && file.reserved != raw) return SQLITE_BUSY;
  file.reserved = raw;
  open.level = SQLITE_LOCK_RESERVED;
  if (level == SQLITE_LOCK_RESERVED) return SQLITE_OK;
  file.exclusive = raw;
  open.level = SQLITE_LOCK_PENDING;
  if (file.shared > 1) return SQLITE_BUSY;
  open.level = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* raw, int* held) noexcept {
  *held = of(raw).file->reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int close(sqlite3_file* raw) noexcept {
  unlock(raw, SQLITE_LOCK_NONE);
  of(raw).~OpenFile();
  return SQLITE_OK;
}

int read(sqlite3_file* raw, void* into, int amount, sqlite3_int64 offset) noexcept {
  const OpenFile& open = of(raw);
  if (open.disk->dead) return SQLITE_IOERR_READ;
  const std::string& image = open.file->image.bytes();
  const auto from = std::min<std::size_t>(static_cast<std::size_t>(offset), image.size());
  const auto have = std::min<std::size_t>(static_cast<std::size_t>(amount), image.size() - from);
  std::memcpy(into, image.data() + from, have);
  std::memset(static_cast<char*>(into) + have, 0, static_cast<std::size_t>(amount) - have);
  return have == static_cast<std::size_t>(amount) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* raw, const void* from, int amount, sqlite3_int64 offset) noexcept {
  const OpenFile& open = of(raw);
  if (open.disk->dead) return SQLITE_IOERR_WRITE;
  File& file = *open.file;
  const auto at = static_cast<std::uint64_t>(offset);
  const int code = open.disk->step(Disk::Step::write, SQLITE_IOERR_WRITE);
  if (code == SQLITE_FULL || (code != SQLITE_OK && !open.disk->dead)) return code;
  const std::string_view data(static_cast<const char*>(from), static_cast<std::size_t>(amount));
  if (open.disk->full && at + data.size() > file.image.bytes().size()) return SQLITE_FULL;
  file.image.write(at, data);
  return code;
}

int truncate(sqlite3_file* raw, sqlite3_int64 size) noexcept {
  const OpenFile& open = of(raw);
  if (open.disk->dead) return SQLITE_IOERR_TRUNCATE;
  const int code = open.disk->step(Disk::Step::other, SQLITE_IOERR_TRUNCATE);
  if (code != SQLITE_OK && !open.disk->dead) return code;
  open.file->image.truncate(static_cast<std::uint64_t>(size));
  return code;
}

int sync(sqlite3_file* raw, int) noexcept {
  const OpenFile& open = of(raw);
  if (open.disk->dead) return SQLITE_IOERR_FSYNC;
  File& file = *open.file;
  const int code = open.disk->step(Disk::Step::sync, SQLITE_IOERR_FSYNC);
  if (code != SQLITE_OK) {
    if (open.disk->fault == Fault::lying_sync) file.image.forget_unsynced();
    return code;
  }
  file.image.sync();
  // The system's VFS syncs the directory with the first sync of a file that it has made.
  file.name_durable = file.exists;
  return SQLITE_OK;
}

int file_size(sqlite3_file* raw, sqlite3_int64* size) noexcept {
  if (of(raw).disk->dead) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(of(raw).file->image.bytes().size());
  return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) noexcept { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) noexcept { return static_cast<int>(DiskImage::kSector); }
int device_characteristics(sqlite3_file*) noexcept { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* raw, int region, int size, int extend, void volatile** into) noexcept {
  OpenFile& open = of(raw);
  *into = nullptr;
  if (size != 32'768) return SQLITE_IOERR_SHMSIZE;
  if (!open.shm) {
    auto& shared = open.disk->shm[open.path];
    if (!shared) shared = std::make_shared<SharedMemory>();
    open.shm = shared;
    ++shared->users;
  }
  auto& regions = open.shm->regions;
  if (static_cast<std::size_t>(region) >= regions.size()) {
    if (extend == 0) return SQLITE_OK;
    while (regions.size() <= static_cast<std::size_t>(region)) {
      regions.push_back(std::make_unique<std::array<char, 32'768>>());
    }
  }
  *into = regions[static_cast<std::size_t>(region)]->data();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* raw, int first, int count, int flags) noexcept {
  SharedMemory& shm = *of(raw).shm;
  const auto begin = static_cast<std::size_t>(first), end = begin + static_cast<std::size_t>(count);
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (std::size_t i = begin; i < end; ++i) {
      if (!exclusive) {
        --shm.shared[i];
      } else if (shm.exclusive[i] == raw) {
        shm.exclusive[i] = nullptr;
      }
    }
    return SQLITE_OK;
  }
  for (std::size_t i = begin; i < end; ++i) {
    if (shm.exclusive[i] != nullptr || (exclusive && shm.shared[i] > 0)) return SQLITE_BUSY;
  }
  for (std::size_t i = begin; i < end; ++i) {
    if (exclusive) {
      shm.exclusive[i] = raw;
    } else {
      ++shm.shared[i];
    }
  }
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file*) noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

int shm_unmap(sqlite3_file* raw, int) noexcept {
  OpenFile& open = of(raw);
  if (!open.shm) return SQLITE_OK;
  // The last one out takes it along, as if every start recovered it.
  if (--open.shm->users == 0) open.disk->shm.erase(open.path);
  open.shm.reset();
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods{
    .iVersion = 2,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* raw, int flags, int* flags_out) noexcept {
  raw->pMethods = nullptr;
  Disk& disk = of(vfs);
  if (disk.dead) return SQLITE_CANTOPEN;
  std::shared_ptr<File> file;
  if (path == nullptr) {
    file = std::make_shared<File>();
    file->exists = true;
  } else {
    auto& slot = disk.files[path];
    if (!slot) slot = std::make_shared<File>();
    file = slot;
    if (!file->exists) {
      if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
      if (const int code = disk.step(Disk::Step::other, SQLITE_CANTOPEN); code != SQLITE_OK) return code;
      file->exists = true;
    }
  }
  new (raw) OpenFile{{&kMethods}, &disk, std::move(file), path == nullptr ? "" : path, SQLITE_LOCK_NONE, nullptr};
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) noexcept {
  Disk& disk = of(vfs);
  if (disk.dead) return SQLITE_IOERR_DELETE;
  const auto found = disk.files.find(path);
  if (found == disk.files.end() || !found->second->exists) return SQLITE_IOERR_DELETE_NOENT;
  if (const int code = disk.step(Disk::Step::other, SQLITE_IOERR_DELETE); code != SQLITE_OK) return code;
  File& file = *found->second;
  if (sync_directory != 0) {
    disk.files.erase(found);
    return SQLITE_OK;
  }
  file.exists = false;
  file.image.truncate(0);
  return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* path, int flags, int* result) noexcept {
  Disk& disk = of(vfs);
  if (disk.dead) return SQLITE_IOERR_ACCESS;
  const auto found = disk.files.find(path);
  const bool exists = found != disk.files.end() && found->second->exists;
  *result = exists && (flags != SQLITE_ACCESS_EXISTS || !found->second->image.bytes().empty()) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* into) noexcept {
  if (std::strlen(path) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::strcpy(into, path);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int size, char* into) noexcept {
  for (int i = 0; i < size; ++i) into[i] = static_cast<char>(i * 37 + 11);
  return size;
}

int sleep(sqlite3_vfs*, int us) noexcept { return us; }

int current_time(sqlite3_vfs*, double* julian_day) noexcept {
  *julian_day = 2'461'056.0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) noexcept { return 0; }

}  // namespace

CrashDisk::CrashDisk() : impl_(std::make_unique<Impl>()) {
  static std::atomic<unsigned> count{0};
  impl_->name = "crash-disk-" + std::to_string(++count);
  sqlite3_initialize();
  impl_->vfs = {.iVersion = 1,
                .szOsFile = sizeof(OpenFile),
                .mxPathname = kMaxPath,
                .pNext = nullptr,
                .zName = impl_->name.c_str(),
                .pAppData = impl_.get(),
                .xOpen = open,
                .xDelete = remove,
                .xAccess = access,
                .xFullPathname = full_path,
                .xDlOpen = nullptr,
                .xDlError = nullptr,
                .xDlSym = nullptr,
                .xDlClose = nullptr,
                .xRandomness = randomness,
                .xSleep = sleep,
                .xCurrentTime = current_time,
                .xGetLastError = last_error,
                .xCurrentTimeInt64 = nullptr,
                .xSetSystemCall = nullptr,
                .xGetSystemCall = nullptr,
                .xNextSystemCall = nullptr};
  sqlite3_vfs_register(&impl_->vfs, 0);
}

CrashDisk::~CrashDisk() { sqlite3_vfs_unregister(&impl_->vfs); }

const std::string& CrashDisk::vfs() const noexcept { return impl_->name; }
std::uint64_t CrashDisk::steps() const noexcept { return impl_->steps; }
bool CrashDisk::struck() const noexcept { return impl_->struck; }
void CrashDisk::set_full(bool full) noexcept { impl_->full = full; }

void CrashDisk::plan(Fault fault, std::uint64_t step, std::uint64_t length) noexcept {
  impl_->fault = fault;
  impl_->fault_from = step;
  impl_->fault_length = length;
  impl_->struck = false;
}

void CrashDisk::power_cut(Survival survival, std::uint64_t seed) {
  Coin coin(seed);
  for (auto it = impl_->files.begin(); it != impl_->files.end();) {
    File& file = *it->second;
    const bool name_as_now = survival == Survival::everything || (survival == Survival::torn && coin.toss());
    std::string left = file.image.after_power_cut(survival, coin);
    if (!(name_as_now ? file.exists : file.name_durable)) {
      it = impl_->files.erase(it);
      continue;
    }
    it->second =
        std::make_shared<File>(File{.image = DiskImage(std::move(left)), .name_durable = true, .exists = true});
    ++it;
  }
  impl_->shm.clear();
  impl_->steps = 0;
  impl_->fault_from = 0;
  impl_->dead = impl_->struck = impl_->full = false;
}

}  // namespace rollcall::testing
