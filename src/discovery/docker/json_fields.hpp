#pragma once
// Members of the engine's JSON, leniently: what is absent, null or of another type is empty. Private to this folder.
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "discovery/docker/objects.hpp"

namespace rollcall::docker {

[[nodiscard]] std::unexpected<Error> not_an_answer(std::string_view what);

/// An empty object, an empty array where there is none.
[[nodiscard]] const boost::json::object& object_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] const boost::json::array& array_at(const boost::json::object& object, std::string_view key);

[[nodiscard]] std::string text_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::uint64_t number_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] bool flag_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::uint16_t port_at(const boost::json::object& object, std::string_view key);
/// RFC 3339, in UTC as the engine writes it; the epoch where it isn't.
[[nodiscard]] WallTime time_at(const boost::json::object& object, std::string_view key);
/// An object of texts.
[[nodiscard]] Labels labels_at(const boost::json::object& object, std::string_view key);

/// One JSON object, nested as deep as the engine's are.
[[nodiscard]] Result<boost::json::object> parse_object(std::string_view body, std::string_view what);

}  // namespace rollcall::docker
