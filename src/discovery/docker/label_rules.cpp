#include "discovery/docker/label_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace rollcall::docker {
namespace {

constexpr std::string_view kPortLabel = "rollcall.port";
constexpr std::size_t kShownBytes = 64;  // of a value that isn't allowed

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  return lowered;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> parse_threshold(std::string_view text) {
  const auto number = parse_number<double>(text);
  return number && std::isfinite(*number) && *number >= 0 ? number : std::nullopt;
}

std::optional<ScalingMetric> parse_metric(std::string_view text) {
  const auto name = lower(trimmed(text));
  if (name == "cpu") return ScalingMetric::cpu;
  return name == "memory" ? std::optional(ScalingMetric::memory) : std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port && *port != 0 ? port : std::nullopt;
}

LabelWarning warning(const Service& service, std::string_view label, const std::string& value,
                     std::string_view allowed) {
  const bool is_long = value.size() > kShownBytes;
  return {service.name, std::string(label),
          is_long ? fmt::format("isn't what is allowed: {}", allowed)
                  : fmt::format("is \"{}\"; allowed is {}", value, allowed)};
}

/// Reads labels one after the other until one is bad.
class LabelReader {
 public:
  explicit LabelReader(const Service& service) : service_(service) {}

  template <class T, class Parse>
  LabelReader& read(const std::string& label, std::string_view allowed, Parse parse, T& value) {
    const auto* text = find_label(service_.labels, label);
    if (text == nullptr || bad_) return *this;
    if (const auto parsed = parse(*text)) {
      value = *parsed;
    } else {
      bad_ = warning(service_, label, *text, allowed);
    }
    return *this;
  }
  [[nodiscard]] const std::optional<LabelWarning>& bad() const { return bad_; }

 private:
  const Service& service_;
  std::optional<LabelWarning> bad_;
};

Scaling fixed_at(std::uint32_t replicas) { return {.min_replicas = replicas, .max_replicas = replicas}; }

std::optional<LabelWarning> too_many_labels(const Service& service, const ModelLimits& limits) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : service.labels) bytes += key.size() + value.size();
  if (service.labels.size() <= limits.labels && bytes <= limits.labels_bytes) return std::nullopt;
  return LabelWarning{service.name, "labels",
                      fmt::format("are {} with {} bytes; allowed are {} with {} bytes", service.labels.size(), bytes,
                                  limits.labels, limits.labels_bytes)};
}

}  // namespace

bool matches(const Labels& labels, std::span<const LabelCondition> conditions) {
  return std::ranges::all_of(conditions, [&](const LabelCondition& condition) {
    const auto* value = find_label(labels, condition.key);
    if (value == nullptr || !condition.value) return value != nullptr;
    return *value == *condition.value || (*condition.value == "true" && lower(*value) == "true");
  });
}

bool is_enabled(const Labels& labels, const DockerLabelNames& names) {
  const auto* value = find_label(labels, names.enabled);
  return value != nullptr && lower(*value) == "true";
}

std::expected<Scaling, LabelWarning> scaling_of(const Service& service, const DockerLabelNames& names) {
  if (!is_enabled(service.labels, names)) return fixed_at(service.replicas);
  Scaling scaling;
  scaling.max_replicas = std::max(2U, service.replicas);
  const auto bad = LabelReader(service)
                       .read(names.metric, "cpu or memory", parse_metric, scaling.metric)
                       .read(names.cpu_threshold, "a number, per cent", parse_threshold, scaling.cpu_threshold)
                       .read(names.memory_threshold, "a number, per cent", parse_threshold, scaling.memory_threshold)
                       .read(names.min, "a whole number", parse_number<std::uint32_t>, scaling.min_replicas)
                       .read(names.max, "a whole number", parse_number<std::uint32_t>, scaling.max_replicas)
                       .bad();
  if (bad) return std::unexpected(*bad);
  return scaling;
}

std::expected<Declaration, LabelWarning> declaration_of(const Service& service, const DockerConfig& config) {
  if (auto bad = too_many_labels(service, config.model)) return std::unexpected(*std::move(bad));
  auto scaling = scaling_of(service, config.labels);
  if (!scaling) return std::unexpected(std::move(scaling.error()));
  return Declaration{.native_id = service.id,
                     .labels = service.labels,
                     .replicas = service.replicas,
                     .global = service.global,
                     .scaling = *scaling,
                     .created_at = service.created_at,
                     .updated_at = service.updated_at};
}

std::expected<std::uint16_t, LabelWarning> wanted_port(const Service& service) {
  std::uint16_t port = 0;
  LabelReader reader(service);
  reader.read(std::string(kPortLabel), "a port, 1 to 65535", parse_port, port);
  if (reader.bad()) return std::unexpected(*reader.bad());
  return port;
}

}  // namespace rollcall::docker
