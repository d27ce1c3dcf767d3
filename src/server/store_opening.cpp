#include "server/store_opening.hpp"

#include "server/cluster.hpp"
#include "store/memory/memory_store.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace rollcall {
namespace {

Result<std::unique_ptr<Store>> open_sqlite(const Settings& settings, std::optional<DataDir>& directory) {
  auto opened = DataDir::open(settings.data_dir);
  if (!opened) return std::unexpected(opened.error());
  directory.emplace(std::move(*opened));
  SqliteOptions options;
  options.path = directory->file(kLogFile);
  options.limits = settings.limits.store;
  options.tombstone_life = settings.limits.registry.tombstone_life;
  return open_sqlite_store(options);
}

Result<std::unique_ptr<Store>> open_postgres(const Settings& settings) {
  auto opened = open_postgres_store(postgres_options(settings));
  if (!opened) opened.error().field = "store";
  return opened;
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(const Settings& settings, Random& random, std::optional<DataDir>& directory) {
  switch (settings.store) {
    case Settings::StoreKind::memory:
      return make_memory_store(make_memory_log(Generation{random.next() >> 11 | 1}), settings.limits.store,
                               settings.limits.registry.tombstone_life);
    case Settings::StoreKind::postgres:
      return open_postgres(settings);
    case Settings::StoreKind::sqlite:
      break;
  }
  return open_sqlite(settings, directory);
}

}  // namespace rollcall
