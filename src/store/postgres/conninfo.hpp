#pragma once
// Connection strings: which hosts to try, and what of them must never be shown.
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace rollcall::postgres {

/// libpq's keywords and their values, in the order in which they were given.
using Keywords = std::vector<std::pair<std::string, std::string>>;

struct ConnectionInfo {
  /// One for each host, so that each can have a deadline of its own: libpq's is for a connect that blocks.
  std::vector<Keywords> hosts;
  std::vector<std::string> secrets;
};

/// Reads a URI or `key=value` pairs as libpq does, and its environment variables for what isn't there. A server that
/// takes no writes is passed over unless the string asks for another kind. An error shows nothing of the string.
[[nodiscard]] Result<ConnectionInfo> read_connection_string(const std::string& text);

[[nodiscard]] bool has_password(const std::string& text);

/// On one line, with every secret as `***`.
[[nodiscard]] std::string presentable(std::string text, const std::vector<std::string>& secrets);

/// "db1.example:5432", for people.
[[nodiscard]] std::string name_of_host(const Keywords& host);

}  // namespace rollcall::postgres
