// Configuration files: none breaks the daemon, and what a file sets is shown as text that sets the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/settings.hpp"

namespace {

using namespace rollcall;

void require(bool holds) {
  if (!holds) std::abort();
}

void set_again(const Settings& settings) {
  for (const auto& row : settings_table()) {
    const auto shown = row.show(settings);
    if (shown.empty()) continue;
    Settings copy;
    if (row.set(copy, shown)) require(row.show(copy) == shown);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A path, not a value: it would have files of this machine read.
  if (text.contains("tokens_file")) return 0;
  Settings settings;
  const auto applied = apply_toml(settings, text, "f.toml");
  if (!applied) {
    require(applied.error().code == ErrorCode::invalid && applied.error().field.starts_with("f.toml"));
    return 0;
  }
  set_again(settings);
  return 0;
}
