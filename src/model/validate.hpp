#pragma once
// Rules on values alone; rules on state are the registry's.
#include <string_view>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "model/instance.hpp"

namespace rollcall {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// UTF-8, 1 to `limits.name_bytes` bytes, no control characters (C0, DEL, C1). `field` names the input in the error.
[[nodiscard]] Result<void> validate_name(std::string_view name, std::string_view field, const ModelLimits& limits);

/// Every field of `spec` but an empty address, which its caller fills in.
[[nodiscard]] Result<void> validate(const InstanceSpec& spec, const ModelLimits& limits);

}  // namespace rollcall
