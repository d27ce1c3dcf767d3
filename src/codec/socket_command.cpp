#include "codec/socket_command.hpp"

#include <algorithm>
#include <array>

#include "codec/fields.hpp"

namespace rollcall::codec {
namespace {

// More than any command has, so that a member that is too much is told by its name.
constexpr std::size_t kValuesMost = 64;

enum Member : std::uint8_t { kAction, kType, kIp, kPort, kUuid, kServiceUuid, kBound, kGrace, kToken, kCount };
constexpr std::array<std::string_view, kCount> kNames{"action",       "type",  "ip",    "port", "uuid",
                                                      "service_uuid", "bound", "grace", "token"};
using Members = std::array<const JsonValue*, kCount>;

Result<Members> find_members(const Document& document, UnknownMembers unknown) {
  Members found{};
  if (unknown == UnknownMembers::refused) {
    if (auto ok = take_root(document, kNames, found); !ok) return std::unexpected(std::move(ok.error()));
    return found;
  }
  const auto& root = document.root();
  if (root.kind != JsonKind::object) return wrong_type(root, {}, "an object");
  const auto ok = document.for_each_in(root, [&](const JsonValue& member) -> Result<void> {
    const auto* const name = std::ranges::find(kNames, member.key);
    if (name == kNames.end()) return {};
    const auto*& place = found[static_cast<std::size_t>(name - kNames.begin())];
    if (place != nullptr) return fail(ErrorCode::invalid, "is there twice", std::string(*name));
    place = &member;
    return {};
  });
  if (!ok) return std::unexpected(ok.error());
  return found;
}

Result<std::string_view> name_member(const JsonValue* value, std::string_view field, const ModelLimits& limits) {
  if (value == nullptr) return fail(ErrorCode::invalid, "is missing", std::string(field));
  return read_plain_text(*value, field, 1, limits.name_bytes);
}

Result<InstanceId> id_member(const Members& found, const ModelLimits& limits) {
  const auto* value = found[kUuid] != nullptr ? found[kUuid] : found[kServiceUuid];
  auto id = name_member(value, "uuid", limits);
  if (!id) return std::unexpected(std::move(id.error()));
  return InstanceId(*id);
}

Result<ServiceName> service_member(const Members& found, const ModelLimits& limits) {
  auto name = name_member(found[kType], "type", limits);
  if (!name) return std::unexpected(std::move(name.error()));
  return ServiceName(*name);
}

Result<std::uint16_t> port_member(const JsonValue* value) {
  if (value == nullptr) return fail(ErrorCode::invalid, "is missing", "port");
  if (value->kind == JsonKind::text) return parse_port(value->text, "port");
  auto port = read_integer(*value, "port", 1, 65'535);
  if (!port) return std::unexpected(std::move(port.error()));
  return static_cast<std::uint16_t>(*port);
}

Result<std::optional<std::chrono::milliseconds>> bound_members(const Members& found) {
  bool bound = false;
  if (found[kBound] != nullptr) {
    if (found[kBound]->kind != JsonKind::boolean) return wrong_type(*found[kBound], "bound", "a boolean");
    bound = found[kBound]->boolean;
  }
  if (found[kGrace] == nullptr) return bound ? std::optional(std::chrono::milliseconds{0}) : std::nullopt;
  if (!bound) return fail(ErrorCode::invalid, "needs bound", "grace");
  auto grace = read_duration(*found[kGrace], "grace");
  if (!grace) return std::unexpected(std::move(grace.error()));
  return *grace;
}

Result<SocketCommand> register_command(const Members& found, const ModelLimits& limits) {
  RegisterCommand command;
  auto service = service_member(found, limits);
  if (!service) return std::unexpected(std::move(service.error()));
  command.service = *std::move(service);
  if (found[kIp] == nullptr) return fail(ErrorCode::invalid, "is missing", "ip");
  auto address = read_plain_text(*found[kIp], "ip", 1, limits.address_bytes);
  if (!address) return std::unexpected(std::move(address.error()));
  command.address = *address;
  auto port = port_member(found[kPort]);
  if (!port) return std::unexpected(std::move(port.error()));
  command.port = *port;
  auto bound = bound_members(found);
  if (!bound) return std::unexpected(std::move(bound.error()));
  command.bound_grace = *bound;
  return command;
}

template <class Command>
Result<SocketCommand> id_command(const Members& found, const ModelLimits& limits) {
  auto id = id_member(found, limits);
  if (!id) return std::unexpected(std::move(id.error()));
  return Command{*std::move(id)};
}

Result<SocketCommand> query_command(const Members& found, const ModelLimits& limits) {
  auto service = service_member(found, limits);
  if (!service) return std::unexpected(std::move(service.error()));
  return QueryCommand{*std::move(service)};
}

Result<SocketCommand> auth_command(const Members& found, const ModelLimits& limits) {
  auto token = name_member(found[kToken], "token", limits);
  if (!token) return std::unexpected(std::move(token.error()));
  return AuthCommand{std::string(*token)};
}

struct Action {
  std::string_view name;
  Result<SocketCommand> (*decode)(const Members& found, const ModelLimits& limits);
};
constexpr std::array kActions{
    Action{"register", register_command},
    Action{"heartbeat", id_command<HeartbeatCommand>},
    Action{"query", query_command},
    Action{"deregister", id_command<DeregisterCommand>},
    Action{"resume", id_command<ResumeCommand>},
    Action{"auth", auth_command},
};

}  // namespace

Result<SocketCommand> decode_command(std::string_view json, UnknownMembers unknown, const ModelLimits& limits) {
  Document document;
  if (auto ok = document.parse(json, kValuesMost); !ok) return std::unexpected(std::move(ok.error()));
  auto found = find_members(document, unknown);
  if (!found) return std::unexpected(std::move(found.error()));
  auto name = name_member((*found)[kAction], "action", limits);
  if (!name) return std::unexpected(std::move(name.error()));
  const auto* const action = std::ranges::find(kActions, *name, &Action::name);
  if (action == kActions.end()) return fail(ErrorCode::invalid, "is unknown: " + clipped(*name), "action");
  return action->decode(*found, limits);
}

std::string_view SocketAnswer::words() const noexcept {
  switch (kind) {
    case Kind::ok:
      return "OK";
    case Kind::not_found:
      return "NOT FOUND";
    case Kind::error:
      return "ERROR";
    case Kind::text:
    case Kind::json:
      return text;
  }
  std::unreachable();
}

}  // namespace rollcall::codec
