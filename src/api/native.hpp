#pragma once
// What the native routes do, for a dialect that asks for the same under other names.
#include <cstdint>
#include <string_view>

#include "api/answers.hpp"
#include "catalog/encoded_list.hpp"
#include "codec/json.hpp"

namespace rollcall::api {

/// When a registration is answered with 201 and Location, not with 200.
enum class Created : std::uint8_t { always, where_new };

/// An address left out is the caller's.
[[nodiscard]] Result<Answer> register_instance(const PartsPtr& parts, const Request& request,
                                               codec::RegistrationBody body, Created created);

[[nodiscard]] Answer remove_instance(const PartsPtr& parts, const Request& request, InstanceId id, Session session);

/// One heartbeat.
[[nodiscard]] Answer hear(const PartsPtr& parts, std::string_view id, Session session);

/// The instance that the route's {id} names, its first parameter.
[[nodiscard]] Result<Response> show_instance(const ApiParts& parts, const Request& request);

[[nodiscard]] Response show_instances(const ApiParts& parts, const ServiceName& name, const PieceFilter& filter);

}  // namespace rollcall::api
