#include "store/postgres/conninfo.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

namespace rollcall::postgres {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::string value_of(const Options& options, std::string_view keyword) {
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (keyword == option->keyword) return option->val == nullptr ? "" : option->val;
  }
  return {};
}

const std::string* find(const Keywords& keywords, std::string_view name) {
  const auto found = std::ranges::find(keywords, name, &Keywords::value_type::first);
  return found == keywords.end() ? nullptr : &found->second;
}

void set(Keywords& keywords, std::string_view name, const std::string& value) {
  std::erase_if(keywords, [&](const auto& keyword) { return keyword.first == name; });
  keywords.emplace_back(name, value);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const auto comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

/// What libpq would take from its environment variables. A service's file says it all by itself.
void add_environment(Keywords& keywords) {
  const Options defaults(PQconndefaults());
  const auto service = value_of(defaults, "service");
  if (find(keywords, "service") == nullptr && service.empty()) {
    const bool has_host = find(keywords, "host") != nullptr || find(keywords, "hostaddr") != nullptr;
    for (const std::string_view name : {"host", "hostaddr", "port", "password"}) {
      const bool is_host = name.starts_with("host");
      auto value = value_of(defaults, name);
      if (find(keywords, name) == nullptr && !value.empty() && !(is_host && has_host)) set(keywords, name, value);
    }
  }
  const auto session = value_of(defaults, "target_session_attrs");
  if (find(keywords, "target_session_attrs") == nullptr && (session.empty() || session == "any")) {
    set(keywords, "target_session_attrs", "read-write");
  }
}

/// The lists of hosts, addresses and ports, one each. `nullopt`: they don't fit together.
std::optional<std::vector<Keywords>> one_by_one(const Keywords& keywords) {
  constexpr std::string_view kLists[] = {"host", "hostaddr", "port"};
  std::size_t count = 1;
  for (const auto name : {"host", "hostaddr"}) {
    if (const auto* list = find(keywords, name); list != nullptr) count = std::max(count, split(*list).size());
  }
  std::vector<Keywords> hosts(count, keywords);
  for (const auto name : kLists) {
    const auto* list = find(keywords, name);
    if (list == nullptr) continue;
    const auto values = split(*list);
    const bool one_for_all = name == "port" && values.size() == 1;
    if (values.size() != count && !one_for_all) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) set(hosts[i], name, values[one_for_all ? 0 : i]);
  }
  return hosts;
}

}  // namespace

Result<ConnectionInfo> read_connection_string(const std::string& text) {
  char* complaint = nullptr;  // quotes the string, so it isn't shown
  const Options parsed(PQconninfoParse(text.c_str(), &complaint));
  PQfreemem(complaint);
  if (!parsed) {
    return fail(ErrorCode::invalid,
                "the connection string for PostgreSQL can't be read; is something in it that has "
                "to be percent-encoded, or quoted?");
  }
  Keywords keywords;
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords.emplace_back(option->keyword, option->val);
  }
  add_environment(keywords);
  if (const auto* host = find(keywords, "host"); host != nullptr && host->contains('@')) {
    return fail(ErrorCode::invalid,
                "the connection string for PostgreSQL has a host with an @ in its name; an @ in a "
                "password is written %40");
  }
  ConnectionInfo info;
  for (const auto name : {"password", "sslpassword"}) {
    if (const auto* secret = find(keywords, name); secret != nullptr && !secret->empty())
      info.secrets.push_back(*secret);
  }
  auto hosts = one_by_one(keywords);
  if (!hosts)
    return fail(ErrorCode::invalid, "the connection string for PostgreSQL has more hosts than ports, or less");
  info.hosts = std::move(*hosts);
  return info;
}

bool has_password(const std::string& text) {
  const Options parsed(PQconninfoParse(text.c_str(), nullptr));
  return parsed && !(value_of(parsed, "password").empty() && value_of(parsed, "sslpassword").empty());
}

std::string presentable(std::string text, const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
      text.replace(at, secret.size(), "***");
    }
  }
  std::ranges::replace(text, '\t', ' ');
  while (text.ends_with('\n')) text.pop_back();
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n')) text.replace(at, 1, "; ");
  return text;
}

std::string name_of_host(const Keywords& host) {
  std::string name = "the local socket";
  if (const auto* address = find(host, "hostaddr"); address != nullptr && !address->empty()) name = *address;
  if (const auto* given = find(host, "host"); given != nullptr && !given->empty()) name = *given;
  if (const auto* port = find(host, "port"); port != nullptr && !port->empty()) name += ":" + *port;
  return name;
}

}  // namespace rollcall::postgres
