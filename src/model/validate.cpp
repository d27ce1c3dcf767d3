#include "model/validate.hpp"

#include <fmt/format.h>

#include <unordered_set>

namespace rollcall {
namespace {

bool has_control_character(std::string_view utf8) noexcept {
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // C1 controls are U+0080 to U+009F: C2 80 to C2 9F.
    if (byte == 0xC2 && i + 1 < utf8.size() && static_cast<unsigned char>(utf8[i + 1]) < 0xA0) return true;
  }
  return false;
}

Result<void> validate_text(std::string_view text, std::string_view field, std::size_t min, std::size_t max) {
  if (text.size() < min || text.size() > max) {
    return fail(ErrorCode::invalid, fmt::format("has {} bytes; allowed are {} to {}", text.size(), min, max),
                std::string(field));
  }
  if (!is_utf8(text)) return fail(ErrorCode::invalid, "is not UTF-8", std::string(field));
  if (has_control_character(text)) return fail(ErrorCode::invalid, "has a control character", std::string(field));
  return {};
}

Result<void> validate_range(std::chrono::milliseconds value, std::string_view field, std::chrono::milliseconds min,
                            std::chrono::milliseconds max) {
  if (value >= min && value <= max) return {};
  const auto seconds = [](std::chrono::milliseconds ms) { return static_cast<double>(ms.count()) / 1000.0; };
  return fail(ErrorCode::invalid,
              fmt::format("is {} s; allowed are {} to {} s", seconds(value), seconds(min), seconds(max)),
              std::string(field));
}

Result<void> validate_tags(const std::vector<std::string>& tags, const ModelLimits& limits) {
  if (tags.size() > limits.tags) {
    return fail(ErrorCode::invalid, fmt::format("has {} entries; allowed are {}", tags.size(), limits.tags), "tags");
  }
  std::unordered_set<std::string_view> seen;
  for (const auto& tag : tags) {
    if (auto ok = validate_text(tag, "tags", 1, limits.tag_bytes); !ok) return ok;
    if (!seen.insert(tag).second) return fail(ErrorCode::invalid, "has an entry twice", "tags");
  }
  return {};
}

Result<void> validate_metadata(const Metadata& metadata, const ModelLimits& limits) {
  if (metadata.size() > limits.metadata_entries) {
    return fail(ErrorCode::invalid,
                fmt::format("has {} entries; allowed are {}", metadata.size(), limits.metadata_entries), "metadata");
  }
  for (const auto& [key, value] : metadata) {
    if (auto ok = validate_text(key, "metadata", 1, limits.metadata_key_bytes); !ok) return ok;
    const auto field = "metadata." + key;
    if (value.size() > limits.metadata_value_bytes) {
      return fail(ErrorCode::invalid,
                  fmt::format("has {} bytes; allowed are {}", value.size(), limits.metadata_value_bytes), field);
    }
    if (!is_utf8(value)) return fail(ErrorCode::invalid, "is not UTF-8", field);
  }
  return {};
}

Result<void> validate_labels(const Metadata& labels, const ModelLimits& limits) {
  if (labels.size() > limits.labels) {
    return fail(ErrorCode::invalid, fmt::format("has {} entries; allowed are {}", labels.size(), limits.labels),
                "labels");
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : labels) {
    bytes += key.size() + value.size();
    if (!is_utf8(key) || !is_utf8(value)) return fail(ErrorCode::invalid, "is not UTF-8", "labels." + key);
  }
  if (bytes <= limits.labels_bytes) return {};
  return fail(ErrorCode::invalid, fmt::format("have {} bytes; allowed are {}", bytes, limits.labels_bytes), "labels");
}

}  // namespace

// The table of well-formed sequences: Unicode 15, table 3-7.
bool is_utf8(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p < end) {
    const unsigned char lead = *p++;
    if (lead < 0x80) continue;
    int more = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      more = 2;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    for (; more > 0; --more, low = 0x80, high = 0xBF) {
      if (p == end || *p < low || *p > high) return false;
      ++p;
    }
  }
  return true;
}

Result<void> validate_name(std::string_view name, std::string_view field, const ModelLimits& limits) {
  return validate_text(name, field, 1, limits.name_bytes);
}

Result<void> validate(const InstanceSpec& spec, const ModelLimits& limits) {
  if (auto ok = validate_name(spec.service.view(), "service", limits); !ok) return ok;
  if (auto ok = validate_text(spec.address, "address", 0, limits.address_bytes); !ok) return ok;
  if (spec.weight > 65'535) return fail(ErrorCode::invalid, "allowed are 0 to 65535", "weight");
  if (auto ok = validate_tags(spec.tags, limits); !ok) return ok;
  if (auto ok = validate_metadata(spec.metadata, limits); !ok) return ok;
  if (spec.lease) {
    if (auto ok = validate_range(spec.lease->ttl, "ttl", limits.ttl_min, limits.ttl_max); !ok) return ok;
    if (auto ok = validate_range(spec.lease->deregister_after, "deregister_after", std::chrono::milliseconds{0},
                                 limits.deregister_after_max);
        !ok) {
      return ok;
    }
  }
  if (spec.check) {
    if (auto ok = validate_range(spec.check->interval, "check.interval", limits.check_interval_min,
                                 limits.check_interval_max);
        !ok) {
      return ok;
    }
    if (auto ok =
            validate_range(spec.check->timeout, "check.timeout", std::chrono::milliseconds{1}, spec.check->interval);
        !ok) {
      return ok;
    }
  }
  return spec.declares ? validate_labels(spec.declares->labels, limits) : Result<void>();
}

}  // namespace rollcall
