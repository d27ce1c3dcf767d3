#pragma once
// Where a log is, as the command line names it.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "server/data_dir.hpp"
#include "server/settings.hpp"
#include "store/whole_log.hpp"

namespace rollcall {

class LogPlace {
 public:
  /// "sqlite:PATH" (a data directory, or a file as *.db), or what `store` takes of PostgreSQL; empty: what `serve`
  /// would use with these settings. `option` is who says so, for the error.
  [[nodiscard]] static Result<LogPlace> read(std::string_view text, Settings settings, std::string_view option);

  /// For people, without secrets.
  [[nodiscard]] std::string name() const;

  /// Keeps daemons away from a log in a data directory, which it makes if it isn't there. In PostgreSQL, source() and
  /// make() do that themselves.
  [[nodiscard]] Result<std::optional<DataDir>> keep_daemons_out() const;

  /// `alone`: refuses while a daemon uses the log, and keeps them out until it is gone.
  [[nodiscard]] Result<std::unique_ptr<LogSource>> source(bool alone) const;
  /// Where there is no log yet.
  [[nodiscard]] Result<std::unique_ptr<NewLog>> make() const;

  friend bool operator==(const LogPlace&, const LogPlace&) = default;

 private:
  enum class Kind : std::uint8_t { sqlite, postgres };
  Kind kind_ = Kind::sqlite;
  std::string path_;        ///< of SQLite's file, without symbolic links
  std::string connection_;  ///< of PostgreSQL; may hold a password
  std::string schema_;
};

}  // namespace rollcall
