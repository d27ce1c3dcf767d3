#pragma once
// Who may ask for what: tokens with roles. Without tokens everyone who reaches the daemon may do everything.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "http/message.hpp"

namespace rollcall::http {

/// Each may do what the ones before it may. Nothing asks for more than `write` yet.
enum class Role : std::uint8_t {
  read,   ///< GET, HEAD, OPTIONS
  write,  ///< everything else
  admin,
};

struct Token {
  Role role = Role::read;
  std::string secret;
};

struct AccessRules {
  std::vector<Token> tokens;
  std::vector<std::string> open_paths;  ///< that ask for no token
};

/// "read:SECRET, write:SECRET", divided by commas or whitespace; what follows a '#' in a line is a comment. A secret
/// has 16 to 255 letters, digits or -._~+/= characters. The error's message holds nothing of the text.
[[nodiscard]] Result<std::vector<Token>> parse_tokens(std::string_view text);

/// The role of the Authorization header `Bearer SECRET`, or `Basic` with the secret as the password, which is what
/// browsers send. Takes as long whichever token it is, and if it is none.
[[nodiscard]] std::optional<Role> role_of(std::string_view authorization, const AccessRules& rules);

/// The refusal, or nothing: 401 without a token that is known, 403 where its role isn't enough.
[[nodiscard]] std::optional<Response> deny(const Request& request, const AccessRules& rules);

}  // namespace rollcall::http
