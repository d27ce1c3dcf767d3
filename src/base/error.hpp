#pragma once
// Expected failures are values (style.md 10): one small enum, and one table from it to HTTP status, socket reply, exit
// code.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall {

enum class ErrorCode : std::uint8_t {
  invalid,       ///< The input breaks a rule; `field` names what, `message` what is allowed.
  not_found,     ///< No such thing.
  conflict,      ///< Something newer stands in the way: another incarnation, another owner, another writer.
  forbidden,     ///< Not from here, or not for this caller.
  unauthorized,  ///< Not without saying who asks.
  method_not_allowed,
  media_type,       ///< The body isn't what this route takes.
  too_large,        ///< Over a limit that the message names.
  timeout,          ///< Not finished by its deadline.
  compacted,        ///< The history asked for is no longer kept, or belongs to another generation.
  overloaded,       ///< A queue is full; try again.
  unavailable,      ///< Not done, and surely not: the Store can't write now.
  unknown_outcome,  ///< Perhaps done: the commit failed half-way.
  incompatible,     ///< A file that is foreign, damaged or newer than this program.
  internal,         ///< A defect of ours.
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  ///< For people; holds no secrets.
  std::string field;    ///< The input's field that is at fault, empty if none.
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string field = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(field)});
}

/// The code's stable name, for machines: "invalid", "not_found", ...
[[nodiscard]] std::string_view name_of(ErrorCode code) noexcept;

/// 400, 404, 409, ...
[[nodiscard]] unsigned http_status_of(ErrorCode code) noexcept;

/// What a command ends with: 1 said no, 2 asked wrongly, 3 not now, 4 not allowed, 5 a defect (docs/cli.md).
[[nodiscard]] int exit_code_of(ErrorCode code) noexcept;

/// The code with this stable name.
[[nodiscard]] std::optional<ErrorCode> error_code_from(std::string_view name) noexcept;

}  // namespace rollcall
