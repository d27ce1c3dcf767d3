#include "http/access.hpp"

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>

#include "http/text.hpp"

namespace rollcall::http {
namespace {

namespace base64 = boost::beast::detail::base64;

constexpr std::size_t kSecretMin = 16;
constexpr std::size_t kSecretMax = 255;
constexpr std::string_view kDivisions = ", \t\r";
// A browser that gets both asks for a name and a password; programs take the first.
constexpr std::string_view kChallenge = "Bearer realm=\"rollcall\", Basic realm=\"rollcall\"";

constexpr std::pair<std::string_view, Role> kRoles[] = {
    {"read", Role::read}, {"write", Role::write}, {"admin", Role::admin}};

bool may_stand_in_secret(char c) noexcept {
  constexpr std::string_view kOthers = "-._~+/=";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOthers.contains(c);
}

std::optional<Token> parse_token(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto* role = std::ranges::find(kRoles, text.substr(0, colon), &std::pair<std::string_view, Role>::first);
  const auto secret = text.substr(colon + 1);
  if (role == std::end(kRoles) || secret.size() < kSecretMin || secret.size() > kSecretMax) return std::nullopt;
  if (!std::ranges::all_of(secret, may_stand_in_secret)) return std::nullopt;
  return Token{role->second, std::string(secret)};
}

/// Looks at every byte of `secret`, wherever the first difference is: the time tells nothing but its length.
bool equal_in_constant_time(std::string_view given, std::string_view secret) noexcept {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const char other = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned char>(secret[i] ^ other);
    asm volatile("" : "+r"(difference));  // or the compiler might leave the loop early
  }
  return difference == 0;
}

/// The password of `user:password` in base64; empty if it is none.
std::string password_of(std::string_view encoded) {
  std::string plain(base64::decoded_size(encoded.size()), '\0');
  plain.resize(base64::decode(plain.data(), encoded.data(), encoded.size()).first);
  const auto colon = plain.find(':');
  return colon == std::string::npos ? std::string() : plain.substr(colon + 1);
}

std::string secret_in(std::string_view authorization) {
  const auto space = authorization.find(' ');
  if (space == std::string_view::npos) return {};
  const auto scheme = authorization.substr(0, space);
  const auto rest = trimmed(authorization.substr(space + 1));
  if (iequals(scheme, "bearer")) return std::string(rest);
  return iequals(scheme, "basic") ? password_of(rest) : std::string();
}

bool only_reads(Method method) noexcept {
  return method == Method::get || method == Method::head || method == Method::options;
}

}  // namespace

Result<std::vector<Token>> parse_tokens(std::string_view text) {
  std::vector<Token> tokens;
  while (!text.empty()) {
    const auto line_end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, std::min(text.find('#'), line_end));
    text.remove_prefix(std::min(line_end + 1, text.size()));
    while (!line.empty()) {
      const auto end = std::min(line.find_first_of(kDivisions), line.size());
      const auto word = line.substr(0, end);
      line.remove_prefix(std::min(end + 1, line.size()));
      if (word.empty()) continue;
      auto token = parse_token(word);
      if (!token) return fail(ErrorCode::invalid, "token " + std::to_string(tokens.size() + 1) + " doesn't read");
      tokens.push_back(*std::move(token));
    }
  }
  return tokens;
}

std::optional<Role> role_of(std::string_view authorization, const AccessRules& rules) {
  const auto given = secret_in(authorization);
  std::optional<Role> role;
  for (const auto& token : rules.tokens) {
    if (equal_in_constant_time(given, token.secret)) role = std::max(role.value_or(Role::read), token.role);
  }
  return role;
}

std::optional<Response> deny(const Request& request, const AccessRules& rules) {
  if (rules.tokens.empty()) return std::nullopt;
  if (std::ranges::find(rules.open_paths, request.path) != rules.open_paths.end()) return std::nullopt;
  const auto role = role_of(request.authorization, rules);
  if (!role) {
    auto refusal =
        problem({ErrorCode::unauthorized, "a token is needed: Authorization: Bearer TOKEN", "authorization"});
    refusal.headers.push_back({"WWW-Authenticate", std::string(kChallenge)});
    return refusal;
  }
  if (*role == Role::read && !only_reads(request.method)) {
    return problem({ErrorCode::forbidden, "this token may only read", "authorization"});
  }
  return std::nullopt;
}

}  // namespace rollcall::http
