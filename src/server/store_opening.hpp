#pragma once
#include <memory>
#include <optional>

#include "base/random.hpp"
#include "server/data_dir.hpp"
#include "server/settings.hpp"
#include "store/store.hpp"

namespace rollcall {

/// The engine that the settings name. Where it keeps files, `directory` is held from then on.
[[nodiscard]] Result<std::unique_ptr<Store>> open_store(const Settings& settings, Random& random,
                                                        std::optional<DataDir>& directory);

}  // namespace rollcall
